"""What lies in a folder tree, cheaply: enough to see that a path is not as it was, without reading files."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator

import attrs

from orket.domain.errors import SandboxUnavailable
from orket.domain.workspaces import Entry, Kind

ENTRIES_MAX = 500_000
_CHUNK = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@attrs.frozen
class Print:
    """Kind, permissions, size, time of change of the content, and number of a file; a folder has no size."""

    kind: str
    mode: int
    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Print:
        """Take it from a ``stat`` that followed no link."""
        kind = kind_of(found)
        if kind is Kind.FOLDER:  # its time and size tell of entries, which have prints of their own
            return cls(kind.value, stat.S_IMODE(found.st_mode) & 0o777, 0, 0, 0)
        mode = stat.S_IMODE(found.st_mode) & 0o777
        return cls(kind.value, mode, found.st_size, found.st_mtime_ns, found.st_ino)


def kind_of(found: os.stat_result) -> Kind:
    """Name what a ``stat`` has found."""
    if stat.S_ISREG(found.st_mode):
        return Kind.FILE
    if stat.S_ISLNK(found.st_mode):
        return Kind.LINK
    return Kind.FOLDER if stat.S_ISDIR(found.st_mode) else Kind.OTHER


def look(path: str) -> os.stat_result | None:
    """Look at a path without following a link at its end; None: there is nothing."""
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise


def look_beneath(root: str, path: str) -> os.stat_result | None:
    """Look at a path of ``root``; None: there is nothing, or a link on the way to it."""
    folders = path.split("/")[:-1]
    for depth in range(1, len(folders) + 1):
        found = look(f"{root}/{'/'.join(folders[:depth])}")
        if found is None or not stat.S_ISDIR(found.st_mode):
            return None
    return look(f"{root}/{path}")


def walk(root: str, hidden: frozenset[str] = frozenset()) -> Iterator[tuple[str, os.stat_result]]:
    """List everything beneath a folder, folders before what they hold; ``hidden`` paths are left out.

    Raises:
        SandboxUnavailable: There is too much of it.
        OSError: A folder cannot be read.
    """
    todo, seen = [""], 0
    while todo:
        folder = todo.pop()
        with os.scandir(f"{root}/{folder}" if folder else root) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if path in hidden:
                    continue
                if (seen := seen + 1) > ENTRIES_MAX:
                    raise SandboxUnavailable(
                        f"{root} holds more than {ENTRIES_MAX} files", remedy="name a smaller project"
                    )
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # it was removed meanwhile
                if stat.S_ISDIR(found.st_mode):
                    todo.append(path)
                yield path, found


def entry_beneath(root: str, path: str) -> Entry | None:
    """Read what lies at a path of ``root`` as ``entry_at`` does; None also behind a link on the way to it."""
    return None if look_beneath(root, path) is None else entry_at(f"{root}/{path}")


def entry_at(path: str) -> Entry | None:
    """Describe what lies at a path, reading a file for its digest; None: there is nothing."""
    if (found := look(path)) is None:
        return None
    kind, mode = kind_of(found), stat.S_IMODE(found.st_mode) & 0o777
    match kind:
        case Kind.FILE:
            return Entry(kind=kind, mode=mode, size_bytes=found.st_size, content=digest(path))
        case Kind.LINK:
            return Entry(kind=kind, content=os.readlink(path))
        case _:
            return Entry(kind=kind, mode=mode)


def digest(path: str) -> str:
    """Hash a regular file, never by way of a link."""
    hashed = hashlib.sha256()
    with open(os.open(path, _READ), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()
