"""What the two controlled loops share: virtual time, the choice of the next task, the way out."""

from collections.abc import Callable

from actors.testing._chooser import CLOCK, Chooser
from actors.testing._mixing import MASK, fingerprint
from actors.testing._roster import Entry, Roster
from actors.testing.errors import Deadlock, Livelock, SimulationError

#: Steps of one task without a break after which others come first, and a moment passes: one that
#: polls, or whose deadline was rounded, must not keep the world standing still.
ROW_MAX = 100
MOMENT_S = 1e-6


class Control:
    """One run: who is ready, who runs, what time it is."""

    def __init__(self, chooser: Chooser, steps_max: int) -> None:
        self.chooser: Chooser = chooser
        self.roster: Roster = Roster()
        self.now: float = 0.0
        self.steps: int = 0
        self.steps_max: int = steps_max
        self.ready: list[Entry] = []
        self.current: Entry | None = None
        self.last: Entry | None = None
        self.trace: int = 0
        #: The event loop's queue is out of reach; tasks can only be made to wait.
        self.weak: bool = False
        self._row = 0
        self.failure: SimulationError | None = None
        #: Cancels the program, when it is stuck; set while it runs.
        self.cancel: Callable[[], None] | None = None
        #: What everybody waits for, as text.
        self.describe: Callable[[], str] = lambda: "nothing can run"
        #: Called after every step.
        self.stepped: Callable[[], None] | None = None
        #: Called, last first, whenever nobody can run and before time moves.
        self.idlers: list[Callable[[], object]] = []
        #: Called once, after the present step.
        self.later: list[Callable[[], object]] = []

    def arrive(self, arrivals: list[Entry]) -> None:
        """Add tasks that became ready in the same tick.

        The event loops wake some of them out of sets, so their order is made the order of birth.
        """
        if len(arrivals) > 1:
            arrivals.sort(key=_number)
        self.ready.extend(arrivals)

    def next(self, timer: bool) -> Entry | None:
        """Take the task that runs now; None to let the next timer ring first."""
        ready = self.ready
        if len(ready) == 1 and not timer:
            index = self.chooser.task((ready[0].called,), None, False)
        else:
            names = [entry.called for entry in ready]
            last = ready.index(self.last) if self.last in ready and self._row < ROW_MAX else None
            index = self.chooser.task(names, last, timer)
        return None if index == CLOCK else ready.pop(index)

    def begin(self, entry: Entry) -> None:
        """The step of ``entry`` begins."""
        self.current = entry
        name = entry.called
        self.trace = (self.trace * 0x100000001B3 ^ fingerprint(name)) & MASK
        self.steps += 1
        self._row = self._row + 1 if entry is self.last else 0
        if self._row >= ROW_MAX:
            self.now += MOMENT_S
        if self.steps > self.steps_max and self.steps % self.steps_max == 1:
            self._end(Livelock(f"more than {self.steps_max} steps; {name} was about to run"))

    def end(self) -> None:
        """A step has ended."""
        self.last, self.current = self.current, None
        while self.later:
            self.later.pop()()
        if self.stepped is not None and not self.chooser.over:
            try:
                self.stepped()
            except SimulationError as failure:
                self.stop(failure)

    def advance(self, when: float) -> None:
        """Let it be ``when``, in seconds since the start."""
        self.now = max(self.now, when)

    def idle(self) -> bool:
        """Nobody can run: whether somebody waited for just that, and was woken."""
        if self.idlers:
            self.idlers.pop()()
            return True
        return False

    def stuck(self) -> None:
        """Nobody can run and no timer is set: end the program, or give up if that is under way."""
        self._end(Deadlock(self.describe()))

    def stop(self, failure: SimulationError) -> None:
        """End the run because of ``failure``, the orderly way: the program is cancelled."""
        if self.failure is None:
            self.failure = failure
        self.chooser.over = True
        if self.cancel is not None:
            self.cancel()

    def _end(self, failure: SimulationError) -> None:
        if self.cancel is None or self.failure is not None:
            raise self.failure or failure
        self.stop(failure)


def _number(entry: Entry) -> int:
    return entry.number
