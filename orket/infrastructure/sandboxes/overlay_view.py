"""An overlay as its run sees it, read without mounting it: the upper layer, and the project beneath.

As in ``workspace``, every step is made from an open folder and follows no link. Everything blocks: call in a
thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from orket.infrastructure.sandboxes.workspace import list_folder, parts_of, read_file, reported
from orket.infrastructure.workspaces.comparing import is_opaque

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
Layers = Sequence[int]
"""The same folder in each layer that shows something of it, the uppermost first."""


def read_through(layers: Layers, path: str, bytes_max: int) -> bytes:
    """Read a regular file of at most ``bytes_max`` bytes.

    Raises:
        ToolError: There is none, it is larger, or a link is on the way.
    """
    parts = parts_of(path)
    if not parts or path.endswith(("/", "/.")):
        return read_file(layers[0], path, bytes_max)  # which says what is wrong with it
    with reported(path), _folder(layers, parts[:-1]) as shown:
        return read_file(_holder(shown, parts[-1]), parts[-1], bytes_max)


def list_through(layers: Layers, path: str) -> tuple[str, ...]:
    """List a folder, sorted; folders end in ``/``, links are listed and not followed.

    Raises:
        ToolError: It is no folder, or a link is on the way.
    """
    with reported(path), _folder(layers, parts_of(path)) as shown:
        found: dict[str, str] = {}
        gone: set[str] = set()
        for folder in shown:
            for entry in list_folder(folder, "."):
                name = entry.removesuffix("/")
                if name not in found and name not in gone:
                    if _is_whiteout(_look(folder, name)):
                        gone.add(name)
                    else:
                        found[name] = entry
        return tuple(sorted(found.values()))


@contextmanager
def _folder(layers: Layers, parts: Sequence[str]) -> Iterator[Layers]:
    """Walk down in all layers at once."""
    with ExitStack() as opened:
        for part in parts:
            layers = _step(layers, part, opened)
        yield layers


def _step(layers: Layers, part: str, opened: ExitStack) -> Layers:
    """Open a folder in each layer, down to the first that hides what is beneath it."""
    below: list[int] = []
    for folder in layers:
        found = _look(folder, part)
        if found is None:
            continue
        if not stat.S_ISDIR(found.st_mode) and below:
            break  # the folder above it hides it
        if _is_whiteout(found):
            break
        fd = os.open(part, _FOLDER, dir_fd=folder) if not stat.S_ISLNK(found.st_mode) else _refuse_link()
        opened.callback(os.close, fd)
        below.append(fd)
        if is_opaque(fd):
            break
    if not below:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), part)
    return below


def _holder(layers: Layers, name: str) -> int:
    """Find the layer that shows a name."""
    for folder in layers:
        if (found := _look(folder, name)) is not None:
            if _is_whiteout(found):
                break
            return folder
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _look(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_whiteout(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def _refuse_link() -> int:
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
