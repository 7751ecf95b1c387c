"""Shortening a failing schedule: delta debugging over its recorded choices and faults."""

import time
from collections.abc import Callable

import attrs

from actors.testing._chooser import CLOCK_NAME, STICKY
from actors.testing._run import Ran
from actors.testing._schedule import Schedule
from actors.testing._stacks import foreign

Pairs = tuple[tuple[str, str], ...]
Again = Callable[[Schedule], Ran]

RUNS_MAX = 600
#: Seconds of processor time; a slow program has more, until it has had so many runs.
SECONDS_MAX = 2.0
SLOW_SECONDS_MAX = 10.0
SLOW_RUNS = 300
#: Other seeds that are tried first, and how many neighbours are taken back together.
SEEDS = 60
WINDOWS = (2, 3, 4, 1)


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
    _began: float = attrs.field(factory=time.process_time)

    def shrink(self) -> Ran:
        """The run under the shortest schedule found within the limits."""
        if self._fails(()):
            return self.best
        self._look_around()
        self._halve()
        self._stick()
        for size in WINDOWS:
            self._slide(size)
        return self.best

    def _look_around(self) -> None:
        """Other seeds may fail the same way with less: begin at the one that deviates least."""
        for seed in range(1, SEEDS):
            if not self._going():
                return
            self.runs += 1
            self._take(self.again(Schedule(seed)))

    def _stick(self) -> None:
        """One deviation for many: let a task that was chosen again and again run until it waits."""
        at = 0
        while at < len(self._pairs()) and self._going():
            pairs = self._pairs()
            key, name = pairs[at]
            rest = tuple(pair for pair in pairs[at + 1 :] if pair[1] != name)
            near = next((i for i, pair in enumerate(pairs[at + 1 :]) if pair[1] != name), len(pairs) - at - 1)
            stuck = ((key, name + STICKY),)
            if (
                name.endswith(STICKY)
                or key.startswith("!")
                or name == CLOCK_NAME
                or len(rest) == len(pairs) - at - 1
            ):
                at += 1
            elif not self._fails(pairs[:at] + stuck + rest):
                near_rest = pairs[at + 1 + near :]
                at += 0 if near and self._fails(pairs[:at] + stuck + near_rest) else 1

    def _slide(self, size: int) -> None:
        """Take back neighbours together: one may make sense only with the next."""
        at = 0
        while at + size <= len(self._pairs()) and self._going():
            pairs = self._pairs()
            if not self._fails(pairs[:at] + pairs[at + size :]):
                at += 1

    def _halve(self) -> None:
        """Take back halves, quarters, and so on, down to single deviations."""
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

    def _pairs(self) -> Pairs:
        return self.best.schedule.deviations or ()

    def _going(self) -> bool:
        most = SECONDS_MAX if self.runs >= SLOW_RUNS else SLOW_SECONDS_MAX
        return self.runs < RUNS_MAX and time.process_time() - self._began < most

    def _fails(self, pairs: Pairs) -> bool:
        self.runs += 1
        return self._take(self.again(Schedule(deviations=pairs)))

    def _take(self, ran: Ran) -> bool:
        """Keep a run that fails the same way with less."""
        if signature(ran.error) != signature(self.best.error):
            return False
        if len(ran.schedule.deviations or ()) >= len(self._pairs()):
            return False
        self.best = ran
        return True
