"""An approval covers one attempt of exactly what was approved, for a while."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.approvals import Approval, approval_id, bind, card_version, void
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.tools import ToolCall
from orket.domain.verification import Scenario, Verification

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CARD = Card(id=CardId("C-1"), name="A card", verification=Verification(scenarios=(Scenario(id="a"),)))
CALL = ToolCall(
    id=CallId("r/C-1/1/0"),
    run_id=RunId("r"),
    card_id=CARD.id,
    turn=1,
    index=0,
    tool="write_file",
    arguments_json='{"content": "x", "path": "a"}',
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(max_size=4), JSON, max_size=4)


@given(ARGUMENTS, ARGUMENTS, st.sampled_from(["a", "b"]), st.sampled_from(["v1", "v2"]))
def test_the_binding_is_equal_exactly_when_what_is_bound_is(
    left: dict[str, object], right: dict[str, object], tool: str, policy: str
) -> None:
    one = bind(attrs.evolve(CALL, arguments_json=json.dumps(left), tool="a"), "v1", CARD)
    other = bind(attrs.evolve(CALL, arguments_json=json.dumps(right, indent=1), tool=tool), policy, CARD)
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (one == other) is (same and tool == "a" and policy == "v1")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Another"},
        {"requirements": "more"},
        {"seat": "other"},
        {"priority": 3.0},
        {"references": ("x",)},
        {"verification": None},
    ],
)
def test_a_card_that_asks_for_something_else_has_another_version(change: dict[str, object]) -> None:
    assert card_version(attrs.evolve(CARD, **change)) != card_version(CARD)  # type: ignore[arg-type]  # any field


def test_a_card_that_only_moved_has_the_same_version() -> None:
    moved = attrs.evolve(
        CARD,
        status=CardStatus.WAITING_FOR_DEVELOPER,
        wait_reason=WaitReason.INPUT,
        wait_note="why",
        retry_count=2,
    )
    assert card_version(moved) == card_version(CARD)
    assert bind(CALL, "v", moved) == bind(CALL, "v", CARD)


def test_another_run_or_card_is_not_covered() -> None:
    bound = bind(CALL, "v", CARD)
    assert bind(attrs.evolve(CALL, run_id=RunId("s")), "v", CARD) != bound
    assert bind(CALL, "v", attrs.evolve(CARD, id=CardId("C-2"))) != bound


@given(st.integers(-3, 3), st.integers(1, 3), st.booleans())
def test_an_approval_holds_for_its_attempt_until_it_expires(left_s: int, attempt: int, same: bool) -> None:
    approval = Approval(binding="b", attempt=2, expires_at=NOW + timedelta(seconds=left_s))
    why = void(approval, "b" if same else "c", attempt, NOW)
    assert (why == "") is (attempt == 2 and left_s > 0 and same)


def test_the_reasons_tell_what_changed() -> None:
    approval = Approval(binding="b", attempt=2, expires_at=NOW)
    assert "is used" in void(approval, "b", 3, NOW)
    assert void(approval, "b", 2, NOW) == "it expired at 2026-03-01T12:00:00+00:00"
    assert "the arguments, the policy or the card" in void(
        attrs.evolve(approval, expires_at=None), "c", 2, NOW
    )


def test_an_approval_of_an_older_version_binds_nothing() -> None:
    assert void(Approval(), "anything", 7, NOW) == ""


def test_a_call_asked_again_has_another_short_name() -> None:
    assert approval_id(CALL.id, 1) == approval_id(CALL.id, 1)
    assert approval_id(CALL.id, 1) != approval_id(CALL.id, 2)
    assert len(approval_id(CALL.id, 1)) == 8
