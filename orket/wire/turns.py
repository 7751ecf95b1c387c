"""Turns on the wire: what a seat did with a card in one go."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.runs import TurnState


class TurnView(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a card as it stands."""

    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    turn: Annotated[int, Meta(ge=1, description="The card's turn, from 1.")]
    seat: Annotated[str, Meta(examples=["coder"])]
    role: str
    review: Annotated[bool, Meta(description="Whether the work of another seat is looked at.")]
    model: Annotated[str, Meta(description="What answered; empty before it did.")]
    text: Annotated[str, Meta(description="What the model said besides its calls.")]
    error: Annotated[str, Meta(description="Why it did not answer; empty if it did.")]
    calls: Annotated[tuple[str, ...], Meta(description="The ids of the tool calls, in order.")]
    input_tokens: Annotated[int, Meta(ge=0)]
    output_tokens: Annotated[int, Meta(ge=0)]
    duration_ms: Annotated[int, Meta(ge=0, description="How long the model took.")]
    outcome: Annotated[str, Meta(description="What the evaluator decided; empty while the turn is open.")]
    note: Annotated[str, Meta(description="What the next prompt says about it; may be empty.")]


class TurnPage(msgspec.Struct, frozen=True, kw_only=True):
    """Turns, those of a card in order; ``next`` leads on, empty at the end."""

    turns: tuple[TurnView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


def turn_view(state: TurnState) -> TurnView:
    """Show a turn."""
    reply = state.reply
    return TurnView(
        card_id=state.card_id,
        turn=state.turn,
        seat=state.seat,
        role=state.role,
        review=state.review,
        model="" if reply is None else reply.model,
        text="" if reply is None else reply.text,
        error=state.error,
        calls=tuple(one.call.id for one in state.calls),
        input_tokens=0 if reply is None else reply.usage.input_tokens,
        output_tokens=0 if reply is None else reply.usage.output_tokens,
        duration_ms=0 if reply is None else reply.duration_ms,
        outcome=state.outcome,
        note=state.note,
    )
