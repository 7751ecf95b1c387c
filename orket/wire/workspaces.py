"""What becomes of a run's workspace, on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.wire.runs import By


class ApplyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Write what the run changed into its project."""

    by: By = "http"
    into: Annotated[
        str,
        Meta(max_length=4096, description="The folder, for a run that works on no view of a project."),
    ] = ""


class RollbackBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Put the project back as it was."""

    by: By = "http"
    to: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="Take back all that was applied after this event; null: the newest application."),
    ] = None


class DiscardBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Delete the run's workspace."""

    by: By = "http"
