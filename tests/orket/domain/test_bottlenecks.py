"""What the thresholds say, in both of the earlier vocabularies."""

from datetime import timedelta

import attrs
import pytest

from orket.domain.bottlenecks import BottleneckThresholds, Level, judge, level_of
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.testing.clock import START
from tests.orket.domain.cases import by_id, card

_S = CardStatus


def waiting(count: int, reason: WaitReason) -> tuple[Card, ...]:
    made = (card(f"{reason}-{n}", status=_S.BLOCKED) for n in range(count))
    return tuple(attrs.evolve(one, wait_reason=reason) for one in made)


def rules(*cards: Card, hours: float = 0.0, **bounds: float) -> dict[str, Level]:
    given = {one.id: START for one in cards}
    thresholds = BottleneckThresholds(**bounds)  # type: ignore[arg-type]  # whole where it must be
    found = judge(by_id(*cards), thresholds, since=given, now=START + timedelta(hours=hours))
    assert all(one.text and set(one.cards) <= given.keys() for one in found)
    assert [one.level for one in found] == sorted(
        (one.level for one in found), key=list(Level).index, reverse=True
    )
    assert level_of(found) == max((one.level for one in found), key=list(Level).index, default=Level.OK)
    return {one.rule: one.level for one in found}


def test_nothing_waiting_is_healthy() -> None:
    assert rules() == {}
    assert rules(card("A"), card("B", status=_S.IN_PROGRESS), card("C", status=_S.DONE)) == {}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {}),
        (3, {}),
        (4, {"resource_normal": Level.OK}),
        (9, {"resource_normal": Level.OK}),
        (10, {"resource_warning": Level.WARNING}),
        (11, {"resource_critical": Level.CRITICAL}),
    ],
)
def test_a_queue_for_a_resource_is_fine_until_it_is_long(count: int, expected: dict[str, Level]) -> None:
    busy = card("busy", status=_S.IN_PROGRESS)
    assert rules(busy, *waiting(count, WaitReason.RESOURCE)) == expected


def test_waiting_for_a_resource_while_nothing_is_worked_on_is_critical() -> None:
    assert rules(card("A"), *waiting(1, WaitReason.RESOURCE)) == {"resource_normal": Level.CRITICAL}


def test_dependencies_pile_up_from_their_share_on() -> None:
    held = waiting(1, WaitReason.DEPENDENCY)
    done, free = card("D", status=_S.DONE), card("F", status=_S.IN_PROGRESS)
    assert rules(done, free, *held) == {"dependency_warning_pct": Level.WARNING}
    assert rules(done, free, *held, dependency_warning_pct=0.6) == {}
    assert rules(free, card("N", "F"), card("M", "gone")) == {"dependency_warning_pct": Level.WARNING}


@pytest.mark.parametrize("reason", [WaitReason.INPUT, WaitReason.REVIEW])
def test_a_person_is_called_from_the_first_card_on(reason: WaitReason) -> None:
    assert rules(*waiting(1, reason)) == {"human_attention_threshold": Level.CRITICAL}
    assert rules(*waiting(1, reason), human_attention_threshold=2) == {}


def test_cards_that_stand_still_and_seats_that_have_too_much_are_told() -> None:
    held, review = waiting(1, WaitReason.SYSTEM), card("R", status=_S.CODE_REVIEW)
    assert rules(review, *held, hours=23.9) == {}
    assert rules(review, *held, hours=24) == {"blocked_duration_hours": Level.WARNING}
    assert "review_duration_hours" in rules(review, *held, hours=48)
    busy = [card(f"W{n}", status=_S.IN_PROGRESS) for n in range(4)]
    assert rules(*busy[:3]) == {}
    assert rules(*busy) == {"wip_limit_per_seat": Level.WARNING}
    assert rules(*[card(f"Q{n}") for n in range(6)]) == {"queue_depth_per_seat": Level.WARNING}
