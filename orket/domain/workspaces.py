"""Workspaces kept apart from the project they are made from: what a run changed, and what became of that.

A run with an ``Isolation`` sees a project folder and writes into a place of its own. What it changed is a
list of ``Change``; applying them to the project is a plan that the ledger knows before anything is touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum

import attrs

BINARY_LOOKED_AT_BYTES = 8192
LINES_MAX = 20_000
UNTOUCHABLE = ".git"


@attrs.frozen(kw_only=True)
class Isolation:
    """The project folder (absolute) that a run works on a view of; ``hidden`` paths in it are not shown."""

    project: str
    hidden: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Place:
    """A run's workspace, and what it is compared with.

    ``is_whole`` says that the workspace is no view of a project: all that is in it is the run's, and
    ``isolation.project``, which may be empty, is merely where it is to go.
    """

    workspace: str
    isolation: Isolation
    is_whole: bool = False


class WorkspaceLevel(StrEnum):
    """How a run's workspace is kept apart from the project; ``own`` is no view of one."""

    OWN = "own"
    OVERLAY = "overlay"
    REFLINK = "reflink"
    COPY = "copy"


class Kind(StrEnum):
    """What lies at a path."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"


@attrs.frozen(kw_only=True)
class Entry:
    """What lies at a path: ``content`` is a file's SHA-256 in hexadecimal digits, or a link's target."""

    kind: Kind
    mode: int = 0
    size_bytes: int = 0
    content: str = ""


@attrs.frozen(kw_only=True)
class Change:
    """A path at which the run's workspace differs from the project; None: there is nothing.

    ``clash`` says what hinders it from being applied: the project was changed there since the run began, or
    it is of a kind that is never applied.
    """

    path: str
    before: Entry | None
    after: Entry | None
    clash: str = ""

    @property
    def word(self) -> str:
        """Name it: ``added``, ``removed``, ``mode``, ``kind`` or ``changed``."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.before.kind is not self.after.kind:
            return "kind"
        same = (self.before.content, self.before.size_bytes) == (self.after.content, self.after.size_bytes)
        return "mode" if same else "changed"


@attrs.frozen(kw_only=True)
class Changes:
    """All that a run changed, sorted by path, and how its workspace is kept."""

    project: str
    level: str
    changes: tuple[Change, ...] = ()

    @property
    def clashes(self) -> tuple[Change, ...]:
        """Those that cannot be applied."""
        return tuple(one for one in self.changes if one.clash)


@attrs.frozen(kw_only=True)
class Plan:
    """Changes that are written down before they are applied; ``name`` is the SHA-256 of the list."""

    name: str
    changes: tuple[Change, ...]

    def count(self, *words: str) -> int:
        """Count the changes of these kinds."""
        return sum(one.word in words for one in self.changes)


class ApplyStatus(StrEnum):
    """How far an application of a run's changes to the project has come."""

    APPLYING = "applying"
    APPLIED = "applied"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


@attrs.frozen(kw_only=True)
class Application:
    """One application: its number (from 1), the event it began with, into which folder, how far it came."""

    number: int
    seq: int
    project: str
    plan: str
    status: ApplyStatus = ApplyStatus.APPLYING


@attrs.frozen(kw_only=True)
class WorkspaceState:
    """What the ledger says of a run's workspace; ``level`` is empty until it was opened."""

    level: str = ""
    applications: tuple[Application, ...] = ()
    discarded: bool = False

    @property
    def under_way(self) -> Application | None:
        """The application or rollback that was begun and not finished, or None."""
        half = (ApplyStatus.APPLYING, ApplyStatus.ROLLING_BACK)
        return next((one for one in self.applications if one.status in half), None)

    def moved(self, number: int, status: ApplyStatus) -> WorkspaceState:
        """Note how far an application has come."""
        changed = (
            attrs.evolve(one, status=status) if one.number == number else one for one in self.applications
        )
        return attrs.evolve(self, applications=tuple(changed))


def is_untouchable(path: str) -> bool:
    """Tell whether a path is part of a repository's own records, which include programs that git starts."""
    return any(part.casefold() == UNTOUCHABLE for part in path.split("/"))


def encode_plan(changes: Iterable[Change]) -> bytes:
    """Write changes as JSON, one to a line."""
    return "".join(json.dumps(_row(one), sort_keys=True) + "\n" for one in changes).encode()


def decode_plan(content: bytes) -> tuple[Change, ...]:
    """Read what ``encode_plan`` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        return tuple(_change(json.loads(line)) for line in content.splitlines())
    except (KeyError, TypeError) as error:
        raise ValueError(f"no plan: {error}") from error


def _row(change: Change) -> dict[str, object]:
    return {"path": change.path, "before": _cells(change.before), "after": _cells(change.after)}


def _cells(entry: Entry | None) -> list[object] | None:
    return None if entry is None else [entry.kind.value, entry.mode, entry.size_bytes, entry.content]


def _change(row: dict[str, list[object] | None]) -> Change:
    return Change(path=str(row["path"]), before=_entry(row["before"]), after=_entry(row["after"]))


def _entry(cells: list[object] | None) -> Entry | None:
    if cells is None:
        return None
    kind, mode, size, content = cells
    return Entry(kind=Kind(str(kind)), mode=int(str(mode)), size_bytes=int(str(size)), content=str(content))


def is_binary(content: bytes) -> bool:
    """Tell whether content is no text: it holds a NUL near its beginning, or is not UTF-8."""
    if b"\0" in content[:BINARY_LOOKED_AT_BYTES]:
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


def unified(path: str, before: bytes | None, after: bytes | None) -> tuple[str, ...]:
    """Compare two texts line by line, as git does; None: there is no file. Binary ones are only named."""
    old, new = before or b"", after or b""
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    if is_binary(old) or is_binary(new):
        return (f"Binary files {names[0]} and {names[1]} differ",)
    lines = (_lines(old), _lines(new))
    if max(map(len, lines)) > LINES_MAX:
        return (f"Files {names[0]} and {names[1]} differ, and are too long to compare line by line",)
    from difflib import unified_diff  # wanted by whoever looks at a run, not by the run

    return tuple(_ended(unified_diff(*lines, *names, lineterm="\n")))


def _lines(content: bytes) -> list[str]:
    """Split at newlines alone: other signs that end a line in some alphabets do not end one for git."""
    *whole, last = content.decode().split("\n")
    return [f"{line}\n" for line in whole] + ([last] if last else [])


def _ended(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if line.endswith("\n"):
            yield line[:-1]
        else:
            yield line
            yield "\\ No newline at end of file"


def header(change: Change) -> tuple[str, ...]:
    """Say in git's words what happened to a path, besides its lines."""
    told = [f"diff --git a/{change.path} b/{change.path}"]
    before, after = change.before, change.after
    if before is None and after is not None:
        told.append(f"new file mode {_mode(after)}")
    elif after is None and before is not None:
        told.append(f"deleted file mode {_mode(before)}")
    elif before is not None and after is not None and _mode(before) != _mode(after):
        told += [f"old mode {_mode(before)}", f"new mode {_mode(after)}"]
    return tuple(told)


def _mode(entry: Entry) -> str:
    if entry.kind is Kind.LINK:
        return "120000"
    return f"{40 if entry.kind is Kind.FOLDER else 100}{entry.mode:03o}"


def named(paths: Sequence[str], most: int = 20) -> str:
    """List paths for a sentence, not too many."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
