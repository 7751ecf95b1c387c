"""The files of a run's workspace on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class FolderView(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a workspace; what is protected is left out."""

    path: Annotated[str, Meta(description="The folder, as it was asked for.")]
    entries: Annotated[tuple[str, ...], Meta(description="Names, sorted; folders end in `/`.")]


class FileSaved(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was saved; its `ETag` is the SHA-256 in quotes."""

    run: str
    path: str
    size_bytes: int
    sha256: str
