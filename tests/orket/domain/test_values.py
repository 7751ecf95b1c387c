"""Small laws of small values: names, budgets, usage, verification, assets."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.assets import Environment, Epic, Organization, Role, Seat, Team, Workload
from orket.domain.budgets import Budget, Spent, exceeded
from orket.domain.cards import CardType
from orket.domain.identifiers import CardId, RunId, blob_id, call_id, sanitise
from orket.domain.models import Usage
from orket.domain.verification import Scenario, ScenarioStatus, Verification, all_failed
from tests.orket.domain.cases import card


@given(st.text())
def test_a_sanitised_name_is_a_plain_file_name_and_stays_one(text: str) -> None:
    name = sanitise(text)
    assert name
    assert name == name.lower()
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert sanitise(name) == name


def test_identity_follows_from_the_place_in_the_run() -> None:
    assert call_id(RunId("r"), CardId("A"), 2, 0) == "r/A/2/0"
    assert blob_id(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


counts = st.integers(0, 1_000)


@given(counts, counts, counts, counts)
def test_usage_adds_up(a: int, b: int, c: int, d: int) -> None:
    left, right = Usage(input_tokens=a, output_tokens=b), Usage(input_tokens=c, output_tokens=d)
    assert left + right == right + left == Usage(input_tokens=a + c, output_tokens=b + d)


@given(turns=counts, calls=counts, tokens=counts, limit=st.none() | counts)
def test_a_limit_is_reached_when_all_of_it_is_used(
    turns: int, calls: int, tokens: int, limit: int | None
) -> None:
    spent = Spent(turns=turns, tool_calls=calls, usage=Usage(input_tokens=tokens))
    for name, used in (("turns", turns), ("tokens", tokens), ("tool_calls", calls)):
        said = exceeded(attrs.evolve(Budget(), **{f"{name}_max": limit}), spent)
        assert (said is not None) == (limit is not None and used >= limit)
        assert said is None or said.startswith(name)


def test_what_was_declared_and_could_not_run_did_not_pass() -> None:
    declared = Verification(scenarios=(Scenario(id="S1"), Scenario(id="S2")))
    result = all_failed(declared, "no fixture", "log")
    assert (result.passed, result.failed, result.ok) == (0, 2, False)
    assert {one.status for one in result.results} == {ScenarioStatus.FAIL}


def test_the_last_of_equal_process_rules_wins() -> None:
    house = Organization(process_rules=(("a", "1"), ("b", "2"), ("a", "3")))
    assert (house.rule("a"), house.rule("b"), house.rule("c")) == ("3", "2", None)


def test_a_workload_finds_roles_and_the_epic_of_a_card() -> None:
    team = Team(name="pair", seats=(Seat(key="builder", name="Builder", roles=("r",)),))
    epic = Epic(
        card=attrs.evolve(card("E"), type=CardType.EPIC),
        team=team,
        environment=Environment(name="local"),
        issues=(attrs.evolve(card("A"), parent_id=CardId("E")),),
    )
    workload = Workload(
        target="e", organization=Organization(), epics=(epic,), roles=(Role(name="r"),), dialects=()
    )
    assert workload.epic_of(epic.issues[0]) is epic
    with pytest.raises(KeyError):
        workload.epic_of(card("stranger"))
    assert workload.role("r") == Role(name="r")
    assert workload.role("x") is None
    assert team.seat("builder") is team.seats[0]
    assert team.seat("x") is None
