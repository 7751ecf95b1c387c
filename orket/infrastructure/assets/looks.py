"""What reading a workload looked at: while all of that is the same, it need not be read again.

Reading and checking the workload of an epic takes some ten times as long as asking for the state of each file
and folder that was looked at, also of those that were not there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from threading import Lock

import attrs

from orket.domain.assets import Workload
from orket.domain.identifiers import CardId

WORKLOADS_MAX = 16
# A file that was written a moment ago can be written again without a new time of change: file systems count
# in steps of milliseconds up to two seconds.
SETTLED_S = 3.0

Answer = tuple[int, ...] | str | None
Key = tuple[str, CardId | None]


@attrs.frozen
class Look:
    """A question to the file system, and its answer then."""

    question: Callable[[Path], Answer]
    path: Path
    answer: Answer

    def holds(self) -> bool:
        """Whether the answer is still the same."""
        return self.question(self.path) == self.answer

    def settled(self, now_ns: int, settled_s: float) -> bool:
        """Whether what was seen had not been changed for a while."""
        newest = max(self.answer[-2:]) if isinstance(self.answer, tuple) else 0
        return newest <= now_ns - settled_s * 1e9


_LOOKS: ContextVar[list[Look] | None] = ContextVar("looks", default=None)


def look_at(path: Path) -> None:
    """Note the state of a file or folder that is about to be read."""
    _note(_state, path)


def is_file(path: Path) -> bool:
    """Whether a path is a regular file; unlike ``Path.is_file``, false for every name that cannot exist."""
    look_at(path)
    return os.path.isfile(path)


def resolved(path: Path) -> Path:
    """Follow all symbolic links.

    Raises:
        OSError, ValueError, RuntimeError: It is no path, or goes round in a circle.
    """
    found = path.resolve()
    _note(_target, path)
    return found


class Known:
    """The workloads that were read last, and what was looked at for each; for any threads.

    Args:
        settled_s: How long everything must have been as it is before a workload is kept, in seconds.
    """

    def __init__(self, *, settled_s: float = SETTLED_S) -> None:
        self._settled_s = settled_s
        self._lock = Lock()
        self._kept: dict[Key, tuple[Workload, tuple[Look, ...]]] = {}

    def load(self, key: Key, read: Callable[[], Workload]) -> Workload:
        """Give what ``read`` would, and call it unless nothing has changed since it gave that.

        Raises:
            AssetError, CardNotFound, DependencyCycle: As ``read``; failures are not kept.
        """
        kept = self._kept.get(key)
        if kept is not None and all(one.holds() for one in kept[1]):
            return kept[0]
        now_ns = time.time_ns()
        with _looking() as looks:
            workload = read()
        if all(one.settled(now_ns, self._settled_s) for one in looks):
            self._keep(key, workload, looks)
        return workload

    def _keep(self, key: Key, workload: Workload, looks: Sequence[Look]) -> None:
        with self._lock:
            self._kept.pop(key, None)
            # Of several looks at one thing the first: what changed meanwhile must not hold.
            firsts = {(one.question, one.path): one for one in reversed(looks)}
            self._kept[key] = workload, tuple(firsts.values())
            while len(self._kept) > WORKLOADS_MAX:
                del self._kept[next(iter(self._kept))]


@contextmanager
def _looking() -> Iterator[list[Look]]:
    looks: list[Look] = []
    before = _LOOKS.set(looks)
    try:
        yield looks
    finally:
        _LOOKS.reset(before)


def _note(question: Callable[[Path], Answer], path: Path) -> None:
    if (looks := _LOOKS.get()) is not None:
        looks.append(Look(question, path, question(path)))


def _state(path: Path) -> Answer:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    what = (found.st_dev, found.st_ino, found.st_mode, found.st_size)
    return (*what, found.st_mtime_ns, found.st_ctime_ns)


def _target(path: Path) -> Answer:
    try:
        return str(path.resolve())
    except (OSError, ValueError, RuntimeError):
        return None
