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
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._numbers = itertools.count(1)

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


def _bound(folder: Path, memory_bytes: int) -> None:
    newer = (folder / "memory.max").exists()
    (folder / ("memory.max" if newer else "memory.limit_in_bytes")).write_text(str(memory_bytes))
    swap = folder / ("memory.swap.max" if newer else "memory.memsw.limit_in_bytes")
    if swap.exists():
        swap.write_text("0" if newer else str(memory_bytes))
