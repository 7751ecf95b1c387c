"""The lists of runs and cards as a pure fold: what one append makes of a run's line and its cards.

It folds with ``RunState``, so the lists cannot disagree with the run. It needs only the run's line and the
cards that the events touch, never the run's history, so an append costs the same however long the run is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import get_args

import attrs

from orket.domain import events as e
from orket.domain.cards import Card
from orket.domain.conversations import ConversationEvent
from orket.domain.errors import StoreError
from orket.domain.identifiers import ENGINE, MEMORY, PROJECTS, PULL_REQUESTS, SESSIONS, CardId, RunId
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.domain.ports import RunSummary
from orket.domain.projects import ProjectSandboxChanged
from orket.domain.pull_requests import PullRequestDecided, PullRequestEffectFinished
from orket.domain.runs import RunState, RunStatus

_RUN_EVENTS = (e.RunPaused, e.RunResumed, e.RunParked, e.RunFinished)
_CARD_EVENTS = (e.CardAdded, e.CardStatusChanged, e.CardRetried)
# What stands in the place of a run, and which events may stand there.
UNLISTED: Mapping[RunId, tuple[type, ...]] = MappingProxyType(
    {
        ENGINE: (e.EngineHalted, e.EngineReleased),
        PROJECTS: (ProjectSandboxChanged,),
        PULL_REQUESTS: (PullRequestDecided, PullRequestEffectFinished),
        SESSIONS: get_args(ConversationEvent),
        MEMORY: (MemoryAdded, MemoryForgotten),
    }
)
_LISTED = frozenset((e.RunAccepted, *_RUN_EVENTS, *_CARD_EVENTS))


@attrs.frozen
class PlacedCard:
    """A card and the sequence number at which it joined, which is its place in every list."""

    card: Card
    added_seq: int


def is_listed(run_id: RunId, recorded: Iterable[e.Recorded]) -> bool:
    """Tell whether these events belong to a run; what is recorded in the place of one makes no list.

    Raises:
        StoreError: They are a run's events in the place of the engine's or of project sandboxes'.
    """
    if run_id not in UNLISTED:
        return True
    for one in recorded:
        if not isinstance(one.event, UNLISTED[run_id]):
            raise StoreError(f"{type(one.event).__name__} is no event of the {run_id} itself")
    return False


def changes_lists(recorded: Iterable[e.Recorded]) -> bool:
    """Tell whether ``project`` would change more than the run's last sequence number; mostly it does not."""
    return not _LISTED.isdisjoint([type(one.event) for one in recorded])


def cards_touched(events: Iterable[e.Event]) -> frozenset[CardId]:
    """Name the cards whose lines ``events`` change."""
    return frozenset(
        one.card.id if isinstance(one, e.CardAdded) else one.card_id
        for one in events
        if isinstance(one, _CARD_EVENTS)
    )


def project(
    run_id: RunId,
    before: RunSummary | None,
    cards: Mapping[CardId, PlacedCard],
    recorded: Sequence[e.Recorded],
) -> tuple[RunSummary, dict[CardId, PlacedCard]]:
    """Fold the events of one append (at least one).

    Args:
        run_id: The run they belong to.
        before: The run's line so far, None for a new run.
        cards: At least those of ``cards_touched`` that exist.
        recorded: The events, in order.

    Returns:
        The run's new line, and the touched cards.

    Raises:
        StoreError: The events cannot follow what is recorded.
    """
    summary = before or _accepted(run_id, recorded[0])
    placed = dict(cards)
    state = RunState(
        run_id=run_id,
        status=summary.status,
        reason=summary.reason,
        cards={key: one.card for key, one in cards.items()},
    )
    finished_at = summary.finished_at
    for one in recorded:
        if isinstance(one.event, e.RunAccepted) and one.seq != summary.accepted_seq:
            raise StoreError(f"run {run_id} was accepted before")
        if isinstance(one.event, _RUN_EVENTS):
            was_final = state.is_final
            _apply(state, one)
            if state.is_final and not was_final:
                finished_at = one.at
        elif isinstance(one.event, _CARD_EVENTS):
            _apply(state, one)
            _place(placed, state, one)
    summary = attrs.evolve(
        summary,
        status=state.status,
        reason=state.reason,
        finished_at=finished_at,
        last_seq=recorded[-1].seq,
    )
    return summary, placed


def _accepted(run_id: RunId, first: e.Recorded) -> RunSummary:
    if not isinstance(first.event, e.RunAccepted):
        raise StoreError(f"run {run_id} has not been accepted: its first event must be RunAccepted")
    return RunSummary(
        run_id=run_id,
        target=first.event.workload.target,
        status=RunStatus.RUNNING,
        workspace=first.event.workspace,
        accepted_at=first.at,
        finished_at=None,
        last_seq=first.seq,
        accepted_seq=first.seq,
    )


def _apply(state: RunState, one: e.Recorded) -> None:
    try:
        state.apply(one.event)
    except (LookupError, ValueError) as error:
        kind = type(one.event).__name__
        raise StoreError(f"{kind} cannot follow what run {state.run_id} has recorded: {error!r}") from error


def _place(placed: dict[CardId, PlacedCard], state: RunState, one: e.Recorded) -> None:
    (key,) = cards_touched([one.event])
    known = placed.get(key)
    placed[key] = PlacedCard(state.cards[key], known.added_seq if known else one.seq)
