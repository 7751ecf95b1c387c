"""Events on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the ledger."""

    seq: Annotated[int, Meta(description="Place on the ledger, from 1, without gaps over all runs.", ge=1)]
    at: datetime
    run_id: Annotated[str, Meta(examples=["5f1c09ab"])]
    kind: Annotated[str, Meta(description="What happened.", examples=["RunAccepted"])]
    data: Annotated[dict[str, Any], Meta(description="The event's own fields.")]


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events in ledger order; ``next`` leads to the later ones, empty when there are none yet."""

    events: tuple[EventView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]
