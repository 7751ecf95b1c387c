"""Conversations with a driver on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.conversations import TEXT_CHARS_MAX, Action, Exchange, Session
from orket.wire.runs import By


class OpenSessionBody(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Begin a conversation."""

    by: By = "http"
    model: Annotated[
        str, Meta(max_length=400, description="Which model answers; empty: the one that is set for all runs.")
    ] = ""


class SayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Say something."""

    text: Annotated[
        str, Meta(min_length=1, max_length=TEXT_CHARS_MAX, examples=["Start the ledger epic, please."])
    ]
    by: By = "http"


class AcceptBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have a proposal carried out."""

    by: By = "http"


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as it stands."""

    id: str
    by: Annotated[str, Meta(description="Who began it.")]
    model: str
    messages: Annotated[int, Meta(ge=0, description="How many there are.")]


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, the newest first; `next` leads on, empty at the end."""

    sessions: tuple[SessionView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    """A command that the driver proposes; nothing happens until somebody accepts it."""

    action: Action
    subject: Annotated[str, Meta(description="What to start, or the run that is meant.")]
    reason: str
    run_id: Annotated[str, Meta(description="The run it came to, once it was carried out; empty before.")]


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, and what the driver made of it."""

    number: Annotated[int, Meta(ge=1)]
    by: str
    text: str
    answer: Annotated[str, Meta(description="Empty while there is none.")]
    error: Annotated[str, Meta(description="Why there is no answer, or empty.")]
    proposals: tuple[ProposalView, ...]


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages in the order they were said; `next` leads on, empty at the end."""

    messages: tuple[MessageView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


def session_view(one: Session) -> SessionView:
    """Show a session."""
    opened = one.opened
    return SessionView(id=one.id, by=opened.by, model=opened.model, messages=len(one.exchanges))


def message_view(one: Exchange) -> MessageView:
    """Show a message with its answer."""
    answered, accepted = one.answered, dict(one.accepted)
    proposals = () if answered is None else answered.proposals
    return MessageView(
        number=one.heard.number,
        by=one.heard.by,
        text=one.heard.text,
        answer="" if answered is None else answered.text,
        error="" if answered is None else answered.error,
        proposals=tuple(
            ProposalView(
                action=proposal.action,
                subject=proposal.subject,
                reason=proposal.reason,
                run_id=accepted.get(index, ""),
            )
            for index, proposal in enumerate(proposals)
        ),
    )
