"""Approvals of MCP servers as files: one for what was approved, one for what was seen changed since."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from orket.domain.errors import StoreError
from orket.domain.mcp import Catalogue, McpTool

T = TypeVar("T")

FILE_BYTES_MAX = 8 * 1024 * 1024


class _Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as it was approved."""

    name: str
    description: str
    schema_json: str
    read_only: bool
    idempotent: bool


class _Approved(msgspec.Struct, frozen=True, kw_only=True):
    """What was approved of a server; the digest stands there to be compared by people."""

    where: str
    digest: str
    tools: list[_Tool]


class FileCatalogues:
    """Approvals in the folder given, which is made at need; see ``orket.domain.mcp.Catalogues``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Tell the state of the folder by its files; it changes with every approval."""
        try:
            with os.scandir(self._folder) as files:
                return tuple(sorted((one.name, one.inode(), one.stat().st_mtime_ns) for one in files))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError(f"{self._folder}: {error.strerror or error}") from error

    def approved(self, server: str) -> Catalogue | None:
        """Read what was approved of a server, or None."""
        told = self._read(f"{server}.approved.json", _Approved)
        if told is None:
            return None
        tools = tuple(McpTool(**msgspec.structs.asdict(one)) for one in told.tools)
        found = Catalogue(where=told.where, tools=tools)
        if found.digest != told.digest:
            raise StoreError(
                f"{self._folder / server}.approved.json: is not as it was approved; approve it again"
            )
        return found

    def approve(self, server: str, found: Catalogue) -> None:
        """Approve a server as it was found; what was noted about it is forgotten."""
        tools = [
            _Tool(
                name=one.name,
                description=one.description,
                schema_json=one.schema_json,
                read_only=one.read_only,
                idempotent=one.idempotent,
            )
            for one in found.tools
        ]
        told = _Approved(where=found.where, digest=found.digest, tools=tools)
        self._write(f"{server}.approved.json", told)
        try:
            (self._folder / f"{server}.changed.json").unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder}: {error.strerror or error}") from error

    def changed(self, server: str) -> Mapping[str, str]:
        """Read which tools were seen changed since they were approved, each with how it differs."""
        return self._read(f"{server}.changed.json", dict[str, str]) or {}

    def note_changes(self, server: str, changes: Mapping[str, str]) -> None:
        """Remember that tools were seen changed."""
        self._write(f"{server}.changed.json", {**self.changed(server), **changes})

    def _read(self, name: str, kind: type[T]) -> T | None:
        path = self._folder / name
        try:
            with open(path, "rb") as file:
                return msgspec.json.decode(file.read(FILE_BYTES_MAX), type=kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(f"{path} holds no approval of this version: {error}") from error

    def _write(self, name: str, told: object) -> None:
        path = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = path.with_suffix(".new")
            made.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with open(os.open(made, flags, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            made.rename(path)  # whole or not at all
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error
