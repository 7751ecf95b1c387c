"""Domain values to wire values and, for events, back; pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import get_args

import attrs
import msgspec

from orket.domain.budgets import Budget
from orket.domain.cards import Card
from orket.domain.errors import StoreCorrupt
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.domain.pieces import Piece
from orket.domain.ports import RunSummary
from orket.domain.runs import CallState
from orket.domain.waiting import Waiting
from orket.wire.approvals import ApprovalView
from orket.wire.calls import CallStanding, CallView
from orket.wire.cards import CardView
from orket.wire.events import EventView
from orket.wire.pieces import PieceView
from orket.wire.runs import BudgetBody, RunView

_KINDS = MappingProxyType({kind.__name__: kind for kind in get_args(Event)})
_PIECE_FIELDS = tuple(name for name in PieceView.__struct_fields__ if name != "kind")
_CARD_FIELDS = tuple(name for name in CardView.__struct_fields__ if name != "run_id")


def run_view(summary: RunSummary) -> RunView:
    """Show a run."""
    return RunView(
        id=summary.run_id,
        target=summary.target,
        status=summary.status,
        reason=summary.reason,
        workspace=summary.workspace,
        accepted_at=summary.accepted_at,
        finished_at=summary.finished_at,
        last_seq=summary.last_seq,
    )


def card_view(run_id: RunId, card: Card) -> CardView:
    """Show a card; the two have equal names for equal things."""
    return CardView(run_id=run_id, **{name: getattr(card, name) for name in _CARD_FIELDS})


def call_view(state: CallState) -> CallView:
    """Show a tool call."""
    call, gate, result = state.call, state.decision, state.result
    return CallView(
        id=call.id,
        card_id=call.card_id,
        turn=call.turn,
        tool=call.tool,
        arguments_json=call.arguments_json,
        standing=_standing(state),
        gate=None if gate is None else gate.verdict,
        reason=state.doubt or ("" if gate is None else gate.reason),
        recovery=state.recovery,
        decided=state.verdict,
        ok=None if result is None else result.ok,
        output="" if result is None else result.output,
    )


def piece_view(piece: Piece) -> PieceView:
    """Show a piece of an answer; the two have equal names for equal things."""
    return PieceView(**{name: getattr(piece, name) for name in _PIECE_FIELDS})


def approval_view(waiting: Waiting) -> ApprovalView:
    """Show what waits for a person."""
    state = waiting.call
    return ApprovalView(
        id=waiting.id,
        run_id=state.call.run_id,
        seat=waiting.seat,
        rule="" if state.decision is None else state.decision.rule,
        policy_version="" if state.decision is None else state.decision.policy_version,
        call=call_view(state),
    )


def _standing(state: CallState) -> CallStanding:
    if state.result is not None:
        return "finished"
    if state.waits_for_person:
        return "in_doubt" if state.doubt else "waiting"
    return "under_way" if state.attempts else "proposed"


def event_view(recorded: Recorded) -> EventView:
    """Show an event; nested values become JSON objects of the same field names."""
    return EventView(
        seq=recorded.seq,
        at=recorded.at,
        run_id=recorded.run_id,
        kind=type(recorded.event).__name__,
        data=msgspec.to_builtins(recorded.event),
    )


def recorded(view: EventView) -> Recorded:
    """Read an event back, so that a watcher folds the same events as the engine.

    Raises:
        StoreCorrupt: This version of Orket knows no such event, or not in that shape.
    """
    kind = _KINDS.get(view.kind)
    if kind is None:
        raise StoreCorrupt(f"event {view.seq}: no event is called {view.kind!r}")
    try:
        event = msgspec.convert(view.data, kind)
    except msgspec.ValidationError as error:
        raise StoreCorrupt(f"event {view.seq} ({view.kind}): {error}") from None
    return Recorded(seq=view.seq, at=view.at, run_id=RunId(view.run_id), event=event)


def budget_body(budget: Budget) -> BudgetBody:
    """Write the bounds of a run."""
    return BudgetBody(**{one.name: getattr(budget, one.name) for one in attrs.fields(Budget)})


def budget(body: BudgetBody) -> Budget:
    """Read the bounds of a run."""
    return Budget(**{one.name: getattr(body, one.name) for one in attrs.fields(Budget)})
