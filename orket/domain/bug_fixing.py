"""The bug-fix phase after a rock is done: how long it lasts, and what it leaves. Pure (1.11).

Nothing is written for it: when a rock was first done, which bugs were found in its epics since, and when they
were fixed all stand on the ledger, and the phase follows from that and the present. A bug is an issue of the
kind ``bug``, from a card file or made by a seat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from orket.domain import events as e
from orket.domain.assets import Organization
from orket.domain.cards import PRIORITIES, Card, CardStatus, CardType
from orket.domain.identifiers import CardId, RunId

BUG = "bug"
EXTENSION_DAYS = 7
CRITICAL = PRIORITIES["high"]


@attrs.frozen(kw_only=True)
class BugFixRules:
    """How long a phase lasts, in days, and from where on it is made longer.

    It is extended by a week, up to ``max_days``, when more than ``high_rate`` bugs a day are found or more
    than ``critical_max`` critical ones (of high priority) are open at its end.
    """

    initial_days: int = 7
    max_days: int = 28
    high_rate: float = 5.0
    critical_max: int = 3


class PhaseStatus(StrEnum):
    """Where a phase stands."""

    ACTIVE = "active"
    EXTENDED = "extended"
    COMPLETED = "completed"


@attrs.frozen(kw_only=True)
class Bug:
    """One bug: where and when it was first found, and when it was closed, which it may not be."""

    card_id: CardId
    run_id: RunId
    name: str
    priority: float
    found_at: datetime
    closed_at: datetime | None = None

    @property
    def is_critical(self) -> bool:
        """Whether it is of high priority."""
        return self.priority >= CRITICAL

    def is_open(self, at: datetime) -> bool:
        """Whether it was known and not closed at that time."""
        return self.found_at <= at and (self.closed_at is None or self.closed_at > at)


@attrs.frozen(kw_only=True)
class Extension:
    """Why and when a phase was made longer."""

    at: datetime
    reason: str
    added_days: int


@attrs.frozen(kw_only=True)
class BugFixPhase:
    """A rock's phase at one moment.

    ``rate`` is bugs found per day so far (of the first day, at least). ``found_today`` and ``fixed_today``
    count the 24 hours before now. ``phase2`` names the rock that should follow: bugs were open at the end.
    """

    id: str
    rock_id: CardId
    status: PhaseStatus
    started_at: datetime
    scheduled_end: datetime
    actual_end: datetime | None
    days: int
    extensions: tuple[Extension, ...]
    bugs: tuple[Bug, ...]
    open_bugs: int
    critical_bugs: int
    found_today: int
    fixed_today: int
    rate: float
    phase2: str = ""


def bug_fix_phase(
    rock: CardId, started_at: datetime, bugs: Iterable[Bug], rules: BugFixRules, now: datetime
) -> BugFixPhase:
    """Work out a rock's phase.

    Args:
        rock: The rock.
        started_at: When it was first done.
        bugs: Everything found in its epics, whenever.
        rules: The house's.
        now: The present, aware; not before ``started_at``.
    """
    known = tuple(one for one in bugs if started_at <= one.found_at <= now)
    days, extensions = min(rules.initial_days, rules.max_days), list[Extension]()
    while (end := started_at + timedelta(days=days)) <= now:
        reason = _too_many(known, started_at, end, rules)
        if not reason or days >= rules.max_days:
            break
        added = min(EXTENSION_DAYS, rules.max_days - days)
        extensions.append(Extension(at=end, reason=reason, added_days=added))
        days += added
    over = end <= now
    until = end if over else now
    counted = tuple(one for one in known if one.found_at <= until)
    left = [one for one in counted if one.is_open(until)]
    day_ago = now - timedelta(days=1)
    return BugFixPhase(
        id=f"phase-{rock}",
        rock_id=rock,
        status=PhaseStatus.COMPLETED if over else PhaseStatus.EXTENDED if extensions else PhaseStatus.ACTIVE,
        started_at=started_at,
        scheduled_end=end,
        actual_end=end if over else None,
        days=days,
        extensions=tuple(extensions),
        bugs=counted,
        open_bugs=len(left),
        critical_bugs=sum(one.is_critical for one in left),
        found_today=sum(one.found_at > day_ago for one in counted),
        fixed_today=sum(one.closed_at is not None and day_ago < one.closed_at <= now for one in counted),
        rate=_rate(counted, started_at, until),
        phase2=f"{rock}-phase2" if over and left else "",
    )


def _too_many(bugs: Sequence[Bug], started_at: datetime, end: datetime, rules: BugFixRules) -> str:
    """Say why a phase must not end here, or nothing."""
    found = [one for one in bugs if one.found_at <= end]
    rate = _rate(found, started_at, end)
    critical = sum(one.is_critical and one.is_open(end) for one in found)
    reasons = [f"High rate ({rate:.1f}/d)"] * (rate > rules.high_rate)
    reasons += [f"{critical} critical bugs"] * (critical > rules.critical_max)
    return "; ".join(reasons)


def _rate(bugs: Sequence[Bug], started_at: datetime, until: datetime) -> float:
    return len(bugs) / max((until - started_at) / timedelta(days=1), 1.0)


@attrs.define
class BugBoard:
    """Collects rocks that are done and the bugs of all runs, from their events in ledger order per run."""

    done_at: dict[CardId, datetime] = attrs.field(factory=dict)
    houses: dict[CardId, Organization] = attrs.field(factory=dict)
    _epics: dict[CardId, set[CardId]] = attrs.field(factory=dict)
    _runs: dict[RunId, e.RunAccepted] = attrs.field(factory=dict)
    _bugs: dict[tuple[CardId | None, CardId], Bug] = attrs.field(factory=dict)
    _parents: dict[tuple[RunId, CardId], CardId | None] = attrs.field(factory=dict)

    def take(self, recorded: e.Recorded) -> None:
        """Look at one event; runs may come in any order."""
        event, run_id = recorded.event, recorded.run_id
        match event:
            case e.RunAccepted():
                self._accept(run_id, event)
            case e.CardAdded(card=card) if _is_bug(card):
                self._find(run_id, card, recorded.at)
            case e.CardStatusChanged(status=CardStatus.DONE | CardStatus.CANCELED):
                self._close(run_id, event.card_id, recorded.at)
            case e.RunFinished(status="done"):
                self._finish(run_id, recorded.at)
            case _:
                pass

    def bugs(self, rock: CardId) -> tuple[Bug, ...]:
        """List the bugs of a rock's epics, the first found first."""
        mine = self._epics.get(rock, set())
        found = (one for (epic, _), one in self._bugs.items() if epic in mine)
        return tuple(sorted(found, key=lambda one: (one.found_at, one.card_id)))

    def _accept(self, run_id: RunId, accepted: e.RunAccepted) -> None:
        self._runs[run_id] = accepted
        if (rock := accepted.workload.rock) is not None:
            epics = self._epics.setdefault(rock.id, set())
            epics.update(epic.card.id for epic in accepted.workload.epics)

    def _find(self, run_id: RunId, card: Card, at: datetime) -> None:
        key = (card.parent_id, card.id)
        self._parents[run_id, card.id] = card.parent_id
        known = self._bugs.get(key)
        if known is None or at < known.found_at:
            self._bugs[key] = Bug(
                card_id=card.id,
                run_id=run_id,
                name=card.name,
                priority=card.priority,
                found_at=at,
                closed_at=None if known is None else known.closed_at,
            )

    def _close(self, run_id: RunId, card: CardId, at: datetime) -> None:
        if (run_id, card) not in self._parents:
            return
        key = (self._parents[run_id, card], card)
        known = self._bugs[key]
        if known.closed_at is None or at < known.closed_at:
            self._bugs[key] = attrs.evolve(known, closed_at=at)

    def _finish(self, run_id: RunId, at: datetime) -> None:
        accepted = self._runs.get(run_id)
        if accepted is None or (rock := accepted.workload.rock) is None:
            return
        if rock.id not in self.done_at or at < self.done_at[rock.id]:
            self.done_at[rock.id], self.houses[rock.id] = at, accepted.workload.organization


def phases(board: BugBoard, rules: Mapping[CardId, BugFixRules], now: datetime) -> tuple[BugFixPhase, ...]:
    """Work out the phase of every rock that was done, the newest first; ``rules`` are by rock."""
    newest = sorted(board.done_at.items(), key=lambda pair: pair[1], reverse=True)
    return tuple(bug_fix_phase(rock, done_at, board.bugs(rock), rules[rock], now) for rock, done_at in newest)


def _is_bug(card: Card) -> bool:
    return card.type is CardType.ISSUE and BUG in card.labels
