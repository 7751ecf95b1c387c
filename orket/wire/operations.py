"""Long work on the wire: how far what was accepted has come. The states are those of MCP's tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

OperationState = Literal["working", "input_required", "completed", "failed", "cancelled"]


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """One operation: the work that an accepted command began."""

    id: Annotated[str, Meta(description="The operation's id; that of the run it is.", examples=["5f1c09ab"])]
    state: Annotated[
        OperationState,
        Meta(
            description="`working`; `input_required`: paused, at a bound, or waiting for an approval; "
            "`completed`, `failed` (blocked runs too) and `cancelled` are final."
        ),
    ]
    detail: Annotated[str, Meta(description="Why it stands there; may be empty.")]
    result_url: Annotated[str, Meta(description="What it is about.", examples=["/v1/runs/5f1c09ab"])]
    created_at: datetime
    finished_at: datetime | None
    poll_after_s: Annotated[
        int | None, Meta(description="When it may have come further; null once it is final.")
    ]


class OperationPage(msgspec.Struct, frozen=True, kw_only=True):
    """Operations, newest first; ``next`` leads to the older ones, empty at the end."""

    operations: tuple[OperationView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]
