"""A sign of life with figures, and what a check of the ledger found, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta


class HeartbeatView(msgspec.Struct, frozen=True, kw_only=True):
    """How the engine is doing right now."""

    at: datetime
    version: Annotated[str, Meta(examples=["0.1.0"])]
    halted: bool
    uptime_s: Annotated[float, Meta(ge=0, description="Since this server took up the engine.")]
    runs_open: Annotated[int, Meta(ge=0, description="Runs that have not ended, 500 at most.")]
    commands_waiting: Annotated[int, Meta(ge=0, description="In the engine's mailbox.")]
    requests_under_way: Annotated[int, Meta(ge=0, description="This one included.")]
    streams_open: Annotated[int, Meta(ge=0)]


class LedgerFaultView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was written."""

    seq: Annotated[int, Meta(ge=0, description="The event concerned, 0 for none.")]
    what: str


class LedgerReportView(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the whole ledger found; note `end_seq` and `end_link` elsewhere."""

    ok: bool
    events: int
    runs: int
    blobs: int
    end_seq: int
    end_link: str
    faults: Annotated[tuple[LedgerFaultView, ...], Meta(description="At most 100.")]
