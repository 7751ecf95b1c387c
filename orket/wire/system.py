"""What the engine says about itself, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """Which Orket this is."""

    version: Annotated[str, Meta(examples=["0.1.0"])]
    api: Annotated[str, Meta(examples=["v1"])]


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life."""

    status: Literal["ok"] = "ok"
