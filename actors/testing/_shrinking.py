"""Shortening a failing schedule: delta debugging over its recorded choices and faults."""

import time
from collections.abc import Callable

import attrs

from actors.testing._run import Ran
from actors.testing._schedule import Schedule
from actors.testing._stacks import foreign

Pairs = tuple[tuple[str, str], ...]
Again = Callable[[Schedule], Ran]

RUNS_MAX = 600
SECONDS_MAX = 2.0


def signature(error: BaseException | None) -> tuple[str, ...]:
    """What makes two failures the same: the kind, and the line of user code that raised."""
    if error is None:
        return ()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if foreign(code.co_filename):
            lines.append(f"{code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return type(error).__qualname__, *lines[-1:]


@attrs.define
class Shrinker:
    """One search for a short schedule that still fails the same way.

    Attributes:
        again: Runs the program under a schedule.
        best: The shortest failing run so far.
        runs: Runs made.
    """

    again: Again
    best: Ran
    runs: int = 0
    _until: float = attrs.field(factory=lambda: time.monotonic() + SECONDS_MAX)

    def shrink(self) -> Ran:
        """The run under the shortest schedule found within the limits."""
        if self._fails(()):
            return self.best
        parts = 2
        while (pairs := self._pairs()) and self._going():
            size = max(1, len(pairs) // parts)
            starts = range(0, len(pairs), size)
            if any(self._fails(pairs[:at] + pairs[at + size :]) for at in starts if self._going()):
                parts = max(2, parts - 1)
            elif size == 1:
                break
            else:
                parts = min(len(pairs), parts * 2)
        return self.best

    def _pairs(self) -> Pairs:
        return self.best.schedule.deviations or ()

    def _going(self) -> bool:
        return self.runs < RUNS_MAX and time.monotonic() < self._until

    def _fails(self, pairs: Pairs) -> bool:
        self.runs += 1
        ran = self.again(Schedule(deviations=pairs))
        if signature(ran.error) != signature(self.best.error):
            return False
        if len(ran.schedule.deviations or ()) >= len(self._pairs()):
            return False
        self.best = ran
        return True
