"""Archiving cards of a run that has ended, and bringing them back to where they were."""

from __future__ import annotations

from collections.abc import Iterator

from orket.domain import events as e
from orket.domain.cards import Card, CardStatus
from orket.domain.errors import CardNotFound, RunConflict, RunNotFound
from orket.domain.identifiers import CardId
from orket.domain.runs import RunState
from orket.domain.state_machine import allowed
from orket.orchestration.control import PAGE
from orket.orchestration.desk import Desk
from orket.orchestration.messages import ArchiveCards, RunTicket


async def archive(desk: Desk, m: ArchiveCards) -> RunTicket:
    """Archive cards, or restore them; all that are named, or none.

    Raises:
        RunNotFound: There is no such run.
        CardNotFound: It has no such card.
        RunConflict: The run has not ended, or a card cannot be archived or restored.
        StoreError: Nothing was recorded.
    """
    state, before = await _look(desk, m)
    if not state.is_final:
        raise RunConflict(
            f"run {m.run_id} is {state.status}: cards are archived when their run has ended",
            allowed=("cancel",),
        )
    if unknown := [one for one in m.cards if one not in state.cards]:
        raise CardNotFound(f"run {m.run_id} has no card {unknown[0][:100]!r}")
    events = tuple(_moves(state, before, m))
    if stuck := [one for one in m.cards if one not in {event.card_id for event in events}]:
        raise RunConflict(_why_not(state.cards[stuck[0]], m))
    await desk.ledger.append(m.run_id, events)
    return RunTicket(run_id=m.run_id, status=state.status)


async def _look(desk: Desk, m: ArchiveCards) -> tuple[RunState, dict[CardId, CardStatus]]:
    """Fold the run, and note where each card stood when it was archived."""
    state, before = RunState(run_id=m.run_id), dict[CardId, CardStatus]()
    while page := await desk.ledger.read(m.run_id, after=state.last_seq, limit=PAGE):
        for one in page:
            if isinstance(one.event, e.CardStatusChanged) and one.event.status is CardStatus.ARCHIVED:
                before[one.event.card_id] = one.event.previous
            state.apply_recorded(one)
    if state.accepted is None:
        raise RunNotFound(f"no run {m.run_id!r}")
    return state, before


def _moves(
    state: RunState, before: dict[CardId, CardStatus], m: ArchiveCards
) -> Iterator[e.CardStatusChanged]:
    for card_id in dict.fromkeys(m.cards) or state.cards:
        card = state.cards[card_id]
        status = before.get(card_id) if m.restore else CardStatus.ARCHIVED
        if status is None or (card.status is CardStatus.ARCHIVED) is not m.restore:
            continue
        if status in allowed(card.type, card.status, system=True):
            yield e.CardStatusChanged(
                card_id=card_id, previous=card.status, status=status, by=m.by, reason=m.reason
            )


def _why_not(card: Card, m: ArchiveCards) -> str:
    if not m.restore:
        return f"card {card.id} is {card.status}: only cards that are done or canceled are archived"
    if card.status is CardStatus.ARCHIVED:
        return f"card {card.id} was archived before the run began: its file says so"
    return f"card {card.id} is {card.status}, not archived"
