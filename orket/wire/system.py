"""What the engine says about itself, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from orket.wire.runs import By, Reason, RunName


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """Which Orket this is."""

    version: Annotated[str, Meta(examples=["0.1.0"])]
    api: Annotated[str, Meta(examples=["v1"])]


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life."""

    status: Literal["ok"] = "ok"


class HaltBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """End all work of the engine now."""

    by: By = "http"
    reason: Reason = ""


class ReleaseBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Let a halted engine work again."""

    by: By = "http"


class EngineStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Where the engine stands after a command."""

    halted: bool
    runs: Annotated[tuple[RunName, ...], Meta(description="The runs that stand still, or go on.")]


class EngineView(msgspec.Struct, frozen=True, kw_only=True):
    """The engine as it stands."""

    halted: bool
    by: Annotated[str, Meta(description="Who halted it; empty when it works.")]
    reason: Annotated[str, Meta(description="Why it was halted; may be empty.")]
