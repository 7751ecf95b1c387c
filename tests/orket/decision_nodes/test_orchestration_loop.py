"""The loop's bounds, and the truth at its end."""

import attrs
import pytest
from hypothesis import given

from orket.decision_nodes.decisions import LoopEnd, LoopLimits
from orket.decision_nodes.orchestration_loop import DefaultOrchestrationLoop
from orket.domain.assets import Organization
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.errors import SettingsError
from orket.domain.identifiers import CardId
from orket.domain.runs import FINAL_RUN
from tests.orket.domain.cases import by_id, card, graphs

LOOP = DefaultOrchestrationLoop()


def conclude(*cards: Card, only: str | None = None) -> LoopEnd:
    return LOOP.conclude(by_id(*cards), None if only is None else CardId(only))


def test_the_default_bounds() -> None:
    assert LOOP.limits(Organization(), None) == LoopLimits(
        parallel=3,
        turns_per_assignment_max=8,
        turns_per_card_max=60,
        calls_per_turn_max=10,
        faults_per_card_max=3,
    )


@pytest.mark.parametrize(("asked", "got"), [(None, 5), (1, 1), (0, 1), (-3, 1), (7, 7), (10_000, 64)])
def test_the_caller_wins_over_the_house_within_bounds(asked: int | None, got: int) -> None:
    assert LOOP.limits(Organization(process_rules=(("parallel", "5"),)), asked).parallel == got


def test_a_house_rule_that_is_no_number_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"process_rules.parallel: 'lots'"):
        LOOP.limits(Organization(process_rules=(("parallel", "lots"),)), None)


def test_a_guard_takes_reviews_and_tests() -> None:
    reviews = {status for status in CardStatus if LOOP.is_review(status)}
    assert reviews == {CardStatus.CODE_REVIEW, CardStatus.READY_FOR_TESTING}


def test_all_done() -> None:
    done = [card(name, status=CardStatus.DONE) for name in "ABC"]
    assert conclude(*done) == LoopEnd(status="done", reason="3 of 3 cards done.")


def test_what_was_canceled_is_said() -> None:
    gone = card("B", status=CardStatus.CANCELED)
    assert conclude(card("A", status=CardStatus.DONE), gone) == LoopEnd(
        status="done", reason="1 of 2 cards done; canceled: B."
    )
    assert conclude(gone) == LoopEnd(status="canceled", reason="0 of 1 cards done; canceled: B.")


def test_what_is_stuck_is_named_with_its_reason() -> None:
    stuck = attrs.evolve(
        card("A", status=CardStatus.BLOCKED),
        wait_reason=WaitReason.SYSTEM,
        wait_note="Gave up after 3 retries.",
    )
    end = conclude(stuck, card("B", "A"), card("C", status=CardStatus.DONE))
    assert end.status == "blocked"
    assert end.reason == (
        "1 of 3 cards done; A is blocked (system, Gave up after 3 retries); B is ready and waits for A."
    )


def test_a_long_list_is_cut() -> None:
    end = conclude(*(card(f"C{n}", status=CardStatus.IN_PROGRESS) for n in range(100)))
    assert end.reason.endswith("C4 is in_progress; and 95 more.")


def test_nothing_to_do_is_no_success() -> None:
    assert conclude() == LoopEnd(status="failed", reason="There was no card to work on.")


def test_a_run_for_one_card_ends_as_that_card() -> None:
    cards = (card("A", status=CardStatus.DONE), card("B", "A"), card("C", "B"))
    assert conclude(*cards, only="A") == LoopEnd(status="done", reason="1 of 1 cards done.")
    assert conclude(*cards, only="C") == LoopEnd(
        status="blocked", reason="0 of 1 cards done; C is ready and waits for B."
    )


@given(graphs())
def test_a_run_is_done_only_when_nothing_is_left_open(cards: tuple[Card, ...]) -> None:
    end = conclude(*cards)
    assert end.status in {*FINAL_RUN}
    assert end.reason.endswith(".")
    if end.status == "done":
        assert all(one.is_final for one in cards)
        assert any(one.status is not CardStatus.CANCELED for one in cards)
    assert (end.status == "blocked") == any(not one.is_final for one in cards)
