"""What a run changed as a patch, for the command line and the bridge: lines that `git apply` takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial

import anyio.to_thread

from orket.domain.ports import Workspaces
from orket.domain.workspaces import Change, Entry, Kind, Place, header, unified

_NOTHING = Entry(kind=Kind.OTHER)


def chosen(changes: Iterable[Change], path: str) -> tuple[Change, ...]:
    """Pick the change of a file, or those in a folder; an empty path and ``.`` mean all."""
    wanted = path.strip("/").removeprefix("./")
    return tuple(
        one
        for one in changes
        if wanted in ("", ".") or one.path == wanted or one.path.startswith(f"{wanted}/")
    )


def kind_of(change: Change) -> Kind:
    """Say what lies, or lay, at the path."""
    return (change.after or change.before or _NOTHING).kind


async def patch(workspaces: Workspaces, place: Place, changes: Iterable[Change]) -> AsyncIterator[str]:
    """Write changes line by line, without the ends of lines; signs that are no UTF-8 are surrogates."""
    for one in changes:
        if kind_of(one) is Kind.FOLDER and one.word in ("added", "removed"):
            continue  # git knows no folders
        for line in header(one):
            yield line
        for line in await _lines(workspaces, place, one):
            yield line


async def _lines(workspaces: Workspaces, place: Place, change: Change) -> tuple[str, ...]:
    if change.word == "mode":
        return ()
    before, after = _text(change.before), _text(change.after)
    if before is None or after is None:
        read = await workspaces.contents(place, change)
        for entry, content in zip((change.before, change.after), read, strict=True):
            if entry is not None and entry.kind is Kind.FILE and content is None:
                return (f"File {change.path} is too large to be compared line by line",)
        before = read[0] if before is None else before
        after = read[1] if after is None else after
    compare = partial(
        unified, change.path, before if change.before else None, after if change.after else None
    )
    return await anyio.to_thread.run_sync(compare)  # long files take seconds


def _text(entry: Entry | None) -> bytes | None:
    """What is compared without reading a file: nothing, or where a link leads; None: it must be read."""
    if entry is None or entry.kind in (Kind.FOLDER, Kind.OTHER):
        return b""
    return entry.content.encode("utf-8", "surrogateescape") if entry.kind is Kind.LINK else None
