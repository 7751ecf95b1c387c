"""trio under control: an instrument that hands it exactly one chosen task per tick, and its clock."""

import math
from collections.abc import Iterator
from typing import Any

import trio

from actors.testing._control import Control
from actors.testing._roster import Entry

#: How often, and how long in real seconds, to wait for trio's own end.
ENDINGS_MAX = 1000
POLL_S = 0.001


#: What is replaced or read of trio's runner; it is private to trio.
NEEDED = frozenset({"runq", "deadlines", "waiting_for_idle"})
#: Real seconds that let those come first who wait for everybody else to wait.
MOMENT_S = 1e-9


def queue_is_in_reach() -> bool:
    """Whether this trio has the queue that the instrument replaces."""
    run = getattr(getattr(trio, "_core", None), "_run", None)
    fields = {one.name for one in getattr(getattr(run, "Runner", None), "__attrs_attrs__", ())}
    return hasattr(run, "GLOBAL_RUN_CONTEXT") and fields >= NEEDED


def take_over(control: Control) -> "tuple[VirtualClock, Instrument | Onlooker]":
    """Clock and instrument for one run: full control of trio, or what its public interface allows."""
    if queue_is_in_reach():
        clock = VirtualClock(control)
        return clock, Instrument(control, clock)
    control.weak = True
    patient = PatientClock(control)
    return patient, Onlooker(control, patient)


class VirtualClock(trio.abc.Clock):
    """Time stands still while anybody can run, and leaps to the next deadline when nobody can."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.runner: Any = None
        self._endings = 0

    def start_clock(self) -> None:
        """Nothing has to be started."""

    def current_time(self) -> float:
        """Virtual seconds since the start."""
        return self._control.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nobody can run: leap, or say that the program is stuck; then look again at once."""
        if self._control.current is not None:
            self._control.end()
        if self._somebody_waits_for_idleness():
            return math.inf
        if self._control.idle():
            return 0.0
        if deadline == math.inf:
            if self._control.cancel is None and self._endings < ENDINGS_MAX:
                # The program has ended; trio's own last task is woken through a socket.
                self._endings += 1
                return POLL_S
            self._control.stuck()
        else:
            self._control.advance(deadline)
        return 0.0

    def _somebody_waits_for_idleness(self) -> bool:
        return bool(self.runner.waiting_for_idle)


class PatientClock(VirtualClock):
    """The same without trio's runner: who waits for idleness has a moment of real time to come first."""

    idle_again: bool = False

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Nobody can run: wait a moment; if still nobody can, leap."""
        self.idle_again = not self.idle_again
        return MOMENT_S if self.idle_again else super().deadline_to_sleep_time(deadline)

    def _somebody_waits_for_idleness(self) -> bool:
        return False


class Onlooker(trio.abc.Instrument):
    """Names the tasks and counts their steps, by what trio offers to everybody; it chooses nothing."""

    def __init__(self, control: Control, clock: PatientClock) -> None:
        self._control = control
        self._clock = clock
        self.entries: dict[trio.lowlevel.Task, Entry] = {}

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """Give it an entry before it is scheduled for the first time."""
        if not _is_system(task):
            entry = self.entries[task] = self._control.roster.admit(task.name, self._control.current)
            entry.work = task.coro

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Its step begins."""
        self._clock.idle_again = False
        entry = self.entries.get(task)
        if entry is not None:
            self._control.begin(entry)

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Its step has ended."""
        if task in self.entries:
            self._control.end()

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """Forget it."""
        self.entries.pop(task, None)


class Instrument(trio.abc.Instrument):
    """Replaces trio's queue of runnable tasks and names the tasks."""

    def __init__(self, control: Control, clock: VirtualClock) -> None:
        self._control = control
        self._clock = clock
        self.entries: dict[trio.lowlevel.Task, Entry] = {}
        self.queue: Queue

    def before_run(self) -> None:
        """Take over the queue; the attribute is trio's own, and a test watches that it stays."""
        runner = trio._core._run.GLOBAL_RUN_CONTEXT.runner  # noqa: SLF001 - nothing public chooses
        self._clock.runner = runner
        self.queue = Queue(self._control, self.entries, runner)
        runner.runq = self.queue  # type: ignore[assignment]  # it needs only what Queue offers

    def task_spawned(self, task: trio.lowlevel.Task) -> None:
        """Give it an entry before it is scheduled for the first time."""
        if _is_system(task):
            return
        entry = self._control.roster.admit(task.name, self._control.current)
        entry.work = task.coro
        entry.handle = task
        self.entries[task] = entry

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        """Forget it."""
        self.entries.pop(task, None)


class Queue:
    """Looks like trio's queue; an iteration yields trio's own tasks, or one chosen task."""

    def __init__(self, control: Control, entries: dict[trio.lowlevel.Task, Entry], runner: Any) -> None:
        self._control = control
        self._entries = entries
        self._runner = runner
        self._arrivals: list[Entry] = []
        self._system: list[trio.lowlevel.Task] = []

    def append(self, task: trio.lowlevel.Task) -> None:
        """The task can run."""
        entry = self._entries.get(task)
        if entry is None:
            self._system.append(task)
        else:
            self._arrivals.append(entry)

    def __len__(self) -> int:
        return len(self._arrivals) + len(self._control.ready) + len(self._system)

    def __iter__(self) -> Iterator[trio.lowlevel.Task]:
        if self._control.current is not None:
            # trio silently drops an instrument that raises, so steps are told here.
            self._control.end()
        if self._system:
            system, self._system = self._system, []
            yield from system
            return
        control = self._control
        if self._arrivals:
            arrivals, self._arrivals = self._arrivals, []
            control.arrive(arrivals)
        if not control.ready:
            return
        deadline = self._runner.deadlines.next_deadline()
        entry = control.next(deadline != math.inf)
        if entry is None:
            control.advance(deadline)
        else:
            control.begin(entry)
            yield entry.handle

    def clear(self) -> None:
        """An iteration has taken out what it yielded."""


def _is_system(task: trio.lowlevel.Task) -> bool:
    name = task.name
    return name == "<init>" or name.startswith(("trio._core", "<TrioToken", "trio.lowlevel"))
