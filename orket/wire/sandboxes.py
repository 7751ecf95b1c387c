"""Sandboxes on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.sandboxes import SandboxStatus
from orket.wire.runs import RunName


class SandboxView(msgspec.Struct, frozen=True, kw_only=True):
    """One sandbox as the ledger has it."""

    id: Annotated[str, Meta(examples=["orket-5f1c09ab"])]
    run_id: RunName
    driver: Annotated[str, Meta(description="What really keeps it.", examples=["bubblewrap"])]
    level: Annotated[int, Meta(description="Its rung of the ladder; higher keeps more.")]
    status: SandboxStatus
    reason: str
    changed_at: datetime


class SandboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """Sandboxes, those of the newest run first; ``next`` leads on, empty at the end."""

    sandboxes: tuple[SandboxView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


class SandboxLogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call that acted in a sandbox, and what it answered."""

    seq: Annotated[int, Meta(ge=1, description="Its receipt's number on the ledger.")]
    at: datetime
    call_id: str
    card_id: str
    ok: bool
    output: Annotated[str, Meta(description="What the model was told; bounded when it was recorded.")]
    duration_ms: Annotated[int, Meta(ge=0)]


class SandboxLog(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a sandbox, in order; ``next`` leads on, empty at the end."""

    entries: tuple[SandboxLogEntry, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]
