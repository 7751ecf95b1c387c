"""Control groups that bound the memory of a command as a whole, in a folder that somebody handed over.

The folder is a group of version 2 whose children may have the memory controller, or one of version 1's memory
hierarchy. Each command gets a group of its own in it, and the kernel counts everything that the command, with
all it starts, holds. Blocks, for a moment: these are files of the kernel's.
"""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

import attrs

from orket.domain.errors import SandboxError

NAME = "orket"
OWN, MOUNTS = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")
DELEGATED = ("user.delegate", "trusted.delegate")  # by which systemd marks what it has handed over
PROBE_BYTES = 16 * 1024 * 1024


@attrs.frozen
class MemoryGroup:
    """One command's group; ``joining`` is a descriptor: who writes ``0`` to it joins."""

    folder: Path
    joining: int

    def overstepped(self) -> bool:
        """Tell whether the kernel has ended something of it for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            with suppress(OSError):
                words = (self.folder / name).read_text().split()
                counted = dict(zip(words[::2], words[1::2], strict=False))
                return int(counted.get("oom_kill", "0")) > 0
        return False

    def close(self) -> None:
        """Take it away; its processes are gone."""
        os.close(self.joining)
        with suppress(OSError):  # swept up by the next engine
            self.folder.rmdir()


class MemoryGroups:
    """A folder of the control groups' file system in which groups may be made.

    Args:
        folder: Its path, such as ``/sys/fs/cgroup/orket``.
        found: Nobody named it, so that it is no failure when it is no good.
    """

    def __init__(self, folder: str, *, found: bool = False) -> None:
        self.found = found
        self._folder = Path(folder)
        self._numbers = itertools.count(1)

    def __str__(self) -> str:
        return str(self._folder)

    def problem(self) -> str:
        """Say why no memory can be bounded here, found out by trying; empty: it can. Sweeps up first."""
        try:
            self._sweep()
            self.open(PROBE_BYTES).close()
        except (SandboxError, OSError) as error:
            return str(error)
        return ""

    def open(self, memory_bytes: int) -> MemoryGroup:
        """Make a group that may hold so much.

        Raises:
            SandboxError: It cannot be made.
        """
        folder = self._folder / f"{NAME}-{os.getpid()}-{next(self._numbers)}"
        try:
            folder.mkdir()
            try:
                _bound(folder, memory_bytes)
                return MemoryGroup(folder, os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))
            except OSError:
                folder.rmdir()
                raise
        except OSError as error:
            raise SandboxError(f"no control group for a command in {self._folder}: {error}") from error

    def _sweep(self) -> None:
        """Take away what engines left that are gone."""
        for left in self._folder.glob(f"{NAME}-*-*"):
            if not Path("/proc", left.name.split("-")[1]).exists():
                with suppress(OSError):
                    left.rmdir()


def find_groups(own: Path = OWN, mounts: Path = MOUNTS) -> MemoryGroups | None:
    """Find the group above this process's own, if it was handed over to this user and may be divided.

    That is how systemd lays it out for a unit with ``Delegate=memory`` and ``DelegateSubgroup=``. Nothing but
    version 2 is looked for, and this process is never moved. None: there is no such group.
    """
    try:
        path = next(line[3:] for line in own.read_text().splitlines() if line.startswith("0::/"))
        above = _mounted(mounts) / path.lstrip("/") / ".."
        above = above.resolve(strict=True)
        if not _is_handed_over(above) or (above / "cgroup.procs").read_text().strip():
            return None
        if "memory" not in (above / "cgroup.controllers").read_text().split():
            return None
        if "memory" not in (above / "cgroup.subtree_control").read_text().split():
            (above / "cgroup.subtree_control").write_text("+memory")
        return MemoryGroups(str(above), found=True)
    except (OSError, StopIteration):
        return None


def _mounted(mounts: Path) -> Path:
    """Where the groups of version 2 are seen whole; raises ``StopIteration`` if nowhere."""
    lines = (line.partition(" - ") for line in mounts.read_text().splitlines())
    return Path(
        next(
            head.split()[4]
            for head, _, tail in lines
            if tail.split()[0] == "cgroup2" and head.split()[3] == "/"
        )
    )


def _is_handed_over(group: Path) -> bool:
    if group.stat().st_uid == os.geteuid() != 0:
        return True
    for name in DELEGATED:
        with suppress(OSError):
            return os.getxattr(group, name) == b"1"
    return False


def _bound(folder: Path, memory_bytes: int) -> None:
    newer = (folder / "memory.max").exists()
    (folder / ("memory.max" if newer else "memory.limit_in_bytes")).write_text(str(memory_bytes))
    swap = folder / ("memory.swap.max" if newer else "memory.memsw.limit_in_bytes")
    if swap.exists():
        swap.write_text("0" if newer else str(memory_bytes))
