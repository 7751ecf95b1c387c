"""One run of a program in one world, on either event loop."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import attrs

from actors._cell import Cell
from actors._delivery import content
from actors._hooks import AMBIENT
from actors._observe import walk
from actors.testing._chooser import Chooser
from actors.testing._control import Control
from actors.testing._guard import guard
from actors.testing._moments import Moments
from actors.testing._roster import Entry
from actors.testing._schedule import Schedule
from actors.testing._stacks import position
from actors.testing._steps import lingering
from actors.testing._watcher import Watcher
from actors.testing._world import World
from actors.testing.errors import InvariantBroken


@attrs.frozen
class Ran:
    """What one run gave.

    Attributes:
        world: The world it ran in.
        value: What the program returned.
        error: What it raised, or what the simulator found; None when all is well.
        moments: What happened.
        schedule: The choices and faults of the run, one by one: it replays the run.
        trace: A hash of the order of all steps: the same in every process.
        steps: Steps of tasks.
        messages: Handlers that ended.
        time_s: Virtual seconds.
        weak: trio's queue was out of reach: its own order had a part in this.
    """

    world: World
    value: Any
    error: BaseException | None
    moments: Moments
    schedule: Schedule
    trace: int
    steps: int
    messages: int
    time_s: float
    weak: bool = False


class Stage:
    """The parts of one run, before, while and after it runs."""

    def __init__(self, world: World, *, detailed: bool = False) -> None:
        self.world: World = world
        self.chooser: Chooser = Chooser(world.schedule, world.faults, overtake=world.overtake)
        self.control: Control = Control(self.chooser, world.steps_max)
        self.watcher: Watcher = Watcher(self.control, self.chooser, detailed=detailed)
        self.waiting: Callable[[], list[Entry]] = list
        self.control.describe = self.describe

    def describe(self) -> str:
        """Who waits for whom, and where every task stands."""
        lines = ["nothing can run and no timer is set"]
        for system in self.watcher.systems:
            lines += [text for cell in walk(system._kernel.root) for text in _waits(cell)]  # noqa: SLF001 - same package
        for entry in self.waiting():
            where = position(entry.work)
            if where is not None:
                lines.append(f"  {entry.called} waits at {where}")
        return "\n".join(lines)

    def run(self, body: Callable[[], Awaitable[Any]]) -> Ran:
        """Run ``body`` to its end; nothing it does escapes as an exception, but for Ctrl-C."""
        value, error = None, None
        with ExitStack() as stack:
            if self.world.blocking == "inline":
                stack.enter_context(_inline(self.world.backend))
            try:
                value = self._on_loop(body)
                self.watcher.check_books()
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as failure:  # noqa: BLE001 - the outcome of the run
                error = failure
        # A simulator's finding comes before what its way out made of the program.
        error = self.control.failure or error
        control = self.control
        return Ran(
            self.world,
            value,
            error,
            self.watcher.moments,
            Schedule(deviations=tuple(self.chooser.recorded.items())),
            control.trace,
            control.steps,
            self.watcher.handled,
            control.now,
            control.weak,
        )

    def _on_loop(self, body: Callable[[], Awaitable[Any]]) -> Any:
        if self.world.backend == "trio":
            from actors.testing import _trio_loop

            clock, instrument = _trio_loop.take_over(self.control)
            if self.control.weak:
                self.watcher.moments.note(
                    "note", "main", "main", "weaker shuffle: trio's queue is out of reach"
                )
            self.waiting = lambda: list(instrument.entries.values())
            options = {"clock": clock, "instruments": [instrument]}
            return anyio.run(self._main, body, backend="trio", backend_options=options)
        from actors.testing._asyncio_loop import ControlledLoop

        loop = ControlledLoop(self.control)
        self.waiting = loop.waiting
        return anyio.run(self._main, body, backend="asyncio", backend_options={"loop_factory": lambda: loop})

    async def _main(self, body: Callable[[], Awaitable[Any]]) -> Any:
        value = None
        with anyio.CancelScope() as scope:
            self.control.cancel = scope.cancel
            _ = AMBIENT.set(self.watcher.hooks())
            try:
                with guard().here(active=True):
                    value = await (lingering(body(), self._linger) if self.control.weak else body())
            finally:
                self.control.cancel = None
                self.chooser.over = True
        return value

    def _linger(self) -> int:
        return self.chooser.linger("main")

    def watch(self, invariant: Callable[[], object]) -> None:
        """Check ``invariant`` after every step from now on: it returns False or raises when broken."""
        before = self.control.stepped

        def check() -> None:
            if before is not None:
                before()
            name = getattr(invariant, "__name__", repr(invariant))
            try:
                good = invariant()
            except Exception as failure:
                raise InvariantBroken(f"{name}: {failure}") from failure
            if good is False:
                raise InvariantBroken(f"{name} does not hold")

        self.control.stepped = check


def _waits(cell: Cell) -> Iterator[str]:
    for turn in (cell, *(cell.turns or {}).values()):
        for wait in turn.waits or ():
            current = content(turn.current) if turn.current is not None else None
            text = f"  {cell.path} handles {current!r} and waits for {wait.target.path}: {wait.message!r}"
            yield text


@contextmanager
def _inline(backend: str) -> Iterator[None]:
    """Let what is meant for a worker thread run at once, in the event loop's."""
    name = "AsyncIOBackend" if backend == "asyncio" else "TrioBackend"
    module = __import__(f"anyio._backends._{backend}", fromlist=[name])
    owner = getattr(module, name)
    before = vars(owner)["run_sync_in_worker_thread"]

    async def run_here(function: Callable[..., Any], args: Any, **_: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return function(*args)

    owner.run_sync_in_worker_thread = staticmethod(run_here)
    try:
        yield
    finally:
        owner.run_sync_in_worker_thread = before
