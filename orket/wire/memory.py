"""The project's memory on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.identifiers import CardId, RunId
from orket.domain.memory import TEXT_CHARS_MAX, Memory
from orket.wire.runs import By, Reason


class MemoryView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was remembered, and where it is from."""

    seq: Annotated[int, Meta(ge=1, description="The event on the ledger.")]
    at: datetime
    run_id: Annotated[
        str, Meta(description="`memory`: a person added it, no run.", examples=["5f1c09ab", "memory"])
    ]
    card_id: Annotated[str, Meta(description="Empty for what a person added.", examples=["ISSUE-A"])]
    by: Annotated[str, Meta(description="The seat that kept it, or who added it.", examples=["coder"])]
    text: str


class RememberBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Put something into the project's memory."""

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=TEXT_CHARS_MAX,
            description="A decision and its reason, to be understood without the card it is from.",
        ),
    ]
    by: By = "http"


class ForgetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Take something out of the project's memory."""

    by: By = "http"
    reason: Reason = ""


class MemoriesFound(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, the best match first."""

    memories: tuple[MemoryView, ...]


def memory_view(one: Memory) -> MemoryView:
    """Show what was remembered."""
    return MemoryView(
        seq=one.seq, at=one.at, run_id=one.run_id, card_id=one.card_id, by=one.by, text=one.text
    )


def memory_of(view: MemoryView) -> Memory:
    """Read what was remembered as it was shown."""
    return Memory(
        seq=view.seq,
        at=view.at,
        run_id=RunId(view.run_id),
        card_id=CardId(view.card_id),
        by=view.by,
        text=view.text,
    )
