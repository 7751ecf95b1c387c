"""When waiting cards are a bottleneck: thresholds, and what they say about a run. Pure (1.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from orket.domain.cards import WAITING, Card, CardStatus, WaitReason
from orket.domain.identifiers import CardId

AT_WORK = frozenset({CardStatus.IN_PROGRESS, CardStatus.READY_FOR_TESTING, CardStatus.CODE_REVIEW})
REVIEWED = frozenset({CardStatus.READY_FOR_TESTING, CardStatus.CODE_REVIEW})


@attrs.frozen(kw_only=True)
class BottleneckThresholds:
    """From where on waiting is worth a word, in the organization's ``bottleneck_thresholds``.

    The first five count a run's cards: up to ``resource_normal`` that wait for a resource is a queue, from
    ``resource_warning`` on it is a warning, from ``resource_critical`` on critical. From the share
    ``dependency_warning_pct`` (0 to 1) on too many open cards wait for others; ``human_attention_threshold``
    cards that wait for a person call one. The others bound how long a card may stand still, in hours, and
    how much one seat may have in hand and in its queue.
    """

    resource_normal: int = 3
    resource_warning: int = 10
    resource_critical: int = 11
    dependency_warning_pct: float = 0.5
    human_attention_threshold: int = 1
    blocked_duration_hours: float = 24.0
    review_duration_hours: float = 48.0
    wip_limit_per_seat: int = 3
    queue_depth_per_seat: int = 5


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing to know about a run; ``rule`` is the threshold that says so, ``cards`` those it is about."""

    level: Level
    rule: str
    text: str
    cards: tuple[CardId, ...] = ()


def judge(
    cards: Mapping[CardId, Card],
    thresholds: BottleneckThresholds,
    *,
    since: Mapping[CardId, datetime],
    now: datetime,
) -> tuple[Finding, ...]:
    """Hold the issues of a run against the thresholds, the worst first; nothing to say is no finding.

    Args:
        cards: The issues as they stand.
        thresholds: The house's.
        since: When each card came to where it stands, as far as it is known.
        now: The present, aware.
    """
    held = [card for card in cards.values() if not card.is_final]
    found = [
        *_resources(held, thresholds),
        *_dependencies(held, cards, thresholds),
        *_people(held, thresholds),
        *_standing_still(held, thresholds, since, now),
        *_seats(held, thresholds),
    ]
    order = list(Level)
    return tuple(sorted(found, key=lambda one: -order.index(one.level)))


def level_of(findings: Iterable[Finding]) -> Level:
    """The worst level of all."""
    order = list(Level)
    return max((one.level for one in findings), key=order.index, default=Level.OK)


def unmet(card: Card, cards: Mapping[CardId, Card]) -> tuple[CardId, ...]:
    """List what a card depends on and is not done, unknown cards included, in file order."""
    return tuple(
        one for one in card.depends_on if one not in cards or cards[one].status is not CardStatus.DONE
    )


def _resources(held: list[Card], bounds: BottleneckThresholds) -> Iterable[Finding]:
    waiting = tuple(card.id for card in held if card.wait_reason is WaitReason.RESOURCE)
    if not waiting:
        return
    active = any(card.status in AT_WORK for card in held)
    count = f"{len(waiting)} cards wait for a resource" if len(waiting) > 1 else "1 card waits for a resource"
    if not active:
        yield _finding(Level.CRITICAL, "resource_normal", f"{count} and nothing is being worked on", waiting)
    elif len(waiting) >= bounds.resource_critical:
        yield _finding(Level.CRITICAL, "resource_critical", count, waiting)
    elif len(waiting) >= bounds.resource_warning:
        yield _finding(Level.WARNING, "resource_warning", count, waiting)
    elif len(waiting) > bounds.resource_normal:
        yield _finding(Level.OK, "resource_normal", f"{count}; the queue is longer than usual", waiting)


def _dependencies(
    held: list[Card], cards: Mapping[CardId, Card], bounds: BottleneckThresholds
) -> Iterable[Finding]:
    waiting = tuple(
        card.id
        for card in held
        if card.wait_reason is WaitReason.DEPENDENCY
        or (card.status is CardStatus.READY and unmet(card, cards))
    )
    share = len(waiting) / len(held) if held else 0.0
    if waiting and share >= bounds.dependency_warning_pct:
        text = f"{len(waiting)} of {len(held)} open cards wait for other cards"
        yield _finding(Level.WARNING, "dependency_warning_pct", text, waiting)


def _people(held: list[Card], bounds: BottleneckThresholds) -> Iterable[Finding]:
    waiting = tuple(card.id for card in held if card.wait_reason in (WaitReason.REVIEW, WaitReason.INPUT))
    if len(waiting) >= max(1, bounds.human_attention_threshold):
        verb = "waits" if len(waiting) == 1 else "wait"
        text = f"{len(waiting)} {'card' if len(waiting) == 1 else 'cards'} {verb} for a person"
        yield _finding(Level.CRITICAL, "human_attention_threshold", text, waiting)


def _standing_still(
    held: list[Card], bounds: BottleneckThresholds, since: Mapping[CardId, datetime], now: datetime
) -> Iterable[Finding]:
    for name, statuses, hours in (
        ("blocked_duration_hours", WAITING, bounds.blocked_duration_hours),
        ("review_duration_hours", REVIEWED, bounds.review_duration_hours),
    ):
        limit = timedelta(hours=hours)
        late = tuple(
            card.id for card in held if card.status in statuses and now - since.get(card.id, now) >= limit
        )
        if late:
            word = "in review" if statuses is REVIEWED else "blocked"
            yield _finding(Level.WARNING, name, f"{len(late)} {word} for {hours:g} hours or more", late)


def _seats(held: list[Card], bounds: BottleneckThresholds) -> Iterable[Finding]:
    for name, statuses, most, word in (
        ("wip_limit_per_seat", frozenset({CardStatus.IN_PROGRESS}), bounds.wip_limit_per_seat, "in hand"),
        ("queue_depth_per_seat", frozenset({CardStatus.READY}), bounds.queue_depth_per_seat, "in its queue"),
    ):
        per_seat = Counter(card.seat for card in held if card.status in statuses)
        for seat, count in per_seat.items():
            if count > most:
                mine = tuple(card.id for card in held if card.seat == seat and card.status in statuses)
                yield _finding(Level.WARNING, name, f"seat {seat} has {count} cards {word}", mine)


def _finding(level: Level, rule: str, text: str, cards: tuple[CardId, ...]) -> Finding:
    return Finding(level=level, rule=rule, text=text, cards=cards)
