"""The prompt of a card's next turn on the wire, with the account of its parts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.decision_nodes.prompt_account import PromptPreview
from orket.domain.models import ChatRole


class PromptCallView(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that the model wrote in an earlier turn."""

    name: str
    arguments_json: str
    ref: str


class PromptMessageView(msgspec.Struct, frozen=True, kw_only=True):
    """One message, word for word; `calls` only from the assistant, `ref` only from a tool."""

    role: ChatRole
    content: str
    calls: tuple[PromptCallView, ...]
    ref: str


class PromptPartView(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the prompt, and why it is there."""

    message: Annotated[int, Meta(ge=0, description="In which message it stands, from 0.")]
    name: str
    source: Annotated[str, Meta(description="Where its words come from.")]
    chars: int
    tokens: Annotated[int, Meta(description="An estimate on the high side.")]
    chars_left_out: Annotated[int, Meta(description="How much did not fit.")]
    note: str


class PromptView(msgspec.Struct, frozen=True, kw_only=True):
    """What the card's next turn would send to the model; nothing was sent."""

    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    turn: Annotated[int, Meta(ge=1, description="The card's turn, from 1.")]
    seat: str
    role: str
    review: Annotated[bool, Meta(description="Whether the work of another seat is looked at.")]
    model: str
    temperature: float
    seed: int | None
    prompt: Annotated[str, Meta(description="The SHA-256 of what would be sent.")]
    prompt_version: str
    messages: tuple[PromptMessageView, ...]
    tools: Annotated[tuple[str, ...], Meta(description="The names of the tools it is offered.")]
    schema_json: Annotated[str, Meta(description="The JSON Schema the answer must keep to, or empty.")]
    parts: Annotated[
        tuple[PromptPartView, ...],
        Meta(description="Empty when the prompt strategy gives no account of its parts."),
    ]
    tokens: Annotated[int, Meta(description="An estimate on the high side.")]
    tokens_max: int
    remarks: Annotated[tuple[str, ...], Meta(description="What is not known of it.")]


def prompt_view(said: PromptPreview) -> PromptView:
    """Show a prompt; the parts have equal names for equal things."""
    request, account = said.request, said.account
    return PromptView(
        card_id=said.card_id,
        turn=said.turn,
        seat=said.seat,
        role=said.role,
        review=said.review,
        model=request.model,
        temperature=request.temperature,
        seed=request.seed,
        prompt=said.prompt,
        prompt_version=said.prompt_version,
        messages=msgspec.convert(request.messages, tuple[PromptMessageView, ...], from_attributes=True),
        tools=tuple(one.name for one in request.tools),
        schema_json=request.schema_json,
        parts=msgspec.convert(account.parts, tuple[PromptPartView, ...], from_attributes=True),
        tokens=account.tokens,
        tokens_max=account.tokens_max,
        remarks=said.remarks,
    )
