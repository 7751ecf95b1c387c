"""The project's memory on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.memory import Memory


class MemoryView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was remembered, and where it is from."""

    seq: Annotated[int, Meta(ge=1, description="The event on the ledger.")]
    at: datetime
    run_id: Annotated[str, Meta(examples=["5f1c09ab"])]
    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    by: Annotated[str, Meta(description="The seat that kept it.", examples=["coder"])]
    text: str


class MemoriesFound(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, the best match first."""

    memories: tuple[MemoryView, ...]


def memory_view(one: Memory) -> MemoryView:
    """Show what was remembered."""
    return MemoryView(
        seq=one.seq, at=one.at, run_id=one.run_id, card_id=one.card_id, by=one.by, text=one.text
    )
