"""What candidates are measured with: a CPU stopwatch and a memory gauge. Standard library only."""

import gc
import time
from pathlib import Path


class Watch:
    """CPU seconds of this process, all its threads, between entering and leaving the block."""

    def __init__(self) -> None:
        self.used = 0.0
        self._from = 0.0

    def __enter__(self) -> "Watch":
        self._from = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.used = time.process_time() - self._from


class Wall(Watch):
    """Elapsed seconds: for a peer whose work is done by other processes."""

    def __enter__(self) -> "Wall":
        self._from = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.used = time.perf_counter() - self._from


class Gauge(Watch):
    """Bytes of private memory that the process gained in the block, garbage collected.

    Private pages as the kernel counts them (``smaps_rollup``; resident set size elsewhere): what
    allocators hold back counts, what ``sys.getsizeof`` does not see counts.
    """

    def __enter__(self) -> "Gauge":
        self._from = private_bytes()
        return self

    def __exit__(self, *_: object) -> None:
        self.used = private_bytes() - self._from


def private_bytes() -> float:
    """Private memory of this process, in bytes."""
    gc.collect()
    rollup = Path("/proc/self/smaps_rollup")
    if rollup.exists():
        fields = (line.split() for line in rollup.read_text(encoding="ascii").splitlines()[1:])
        return sum(float(field[1]) * 1024 for field in fields if field[0].startswith("Private_"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def expect(found: int, wanted: int) -> None:
    """A candidate that loses messages is not measured, it is wrong."""
    if found != wanted:
        raise AssertionError(f"{found} messages handled, {wanted} expected")
