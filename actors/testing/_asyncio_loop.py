"""An asyncio event loop without a selector, a clock or threads: every step is chosen."""

import asyncio
import heapq
import math
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

from actors.testing._control import Control
from actors.testing._roster import Entry
from actors.testing.errors import RealBlocking

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

#: Rounds of callbacks that wake nobody before the loop counts as idle: anyio delivers a
#: cancellation again and again until somebody takes it.
IDLE_ROUNDS_MAX = 3
STEPS = ("TaskStepMethWrapper", "task_wakeup")


class ControlledLoop(asyncio.BaseEventLoop):
    """Only steps of tasks are choices; other callbacks run once per tick, in order."""

    def __init__(self, control: Control) -> None:
        super().__init__()
        self._control = control
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_count = 0
        self._idle_rounds = 0
        self._ready: Any
        self._entries: dict[asyncio.Task[Any], Entry] = {}
        self.thread = threading.get_ident()
        self.set_exception_handler(_ignore)

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._control.now

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        """Start a task and give it a stable name."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        named = isinstance(name, str) and not name.startswith("Task-")
        entry = self._control.roster.admit(name if named else _name(coro), self._control.current)
        self._entries[task] = entry
        entry.work = task.get_coro()
        return task

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Plan a callback; one at infinity never comes."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if when != math.inf:
            self._timer_count += 1
            heapq.heappush(self._timers, (when, self._timer_count, timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Plan a callback ``delay`` virtual seconds from now."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when they come up."""

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Like ``call_soon``: there are no other threads."""
        if threading.get_ident() != self.thread:
            raise RealBlocking("another thread called into the simulation")
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Refused: it would be a thread."""
        raise RealBlocking(f"run_in_executor({func!r}) would start a thread")

    def waiting(self) -> list[Entry]:
        """The tasks that have not finished."""
        return [entry for task, entry in self._entries.items() if not task.done()]

    def _run_once(self) -> None:
        control = self._control
        self._callbacks()
        if not control.ready:
            self._idle()
            return
        self._idle_rounds = 0
        entry = control.next(self._next_timer() is not None)
        if entry is None:
            self._ring()
            return
        control.begin(entry)
        entry.handle._run()
        control.end()

    def _callbacks(self) -> None:
        """Run what is ready and no step of a task; collect the steps."""
        ready, arrivals = self._ready, []
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            callback = handle._callback
            task = getattr(callback, "__self__", None)
            if task.__class__ is asyncio.Task and _is_step(callback):
                entry = self._entries[task]
                entry.handle = handle
                arrivals.append(entry)
            else:
                handle._run()
        if arrivals:
            self._control.arrive(arrivals)

    def _idle(self) -> None:
        if self._ready and self._idle_rounds < IDLE_ROUNDS_MAX:
            self._idle_rounds += 1
            return
        self._idle_rounds = 0
        if self._stopping or self._control.idle():
            return
        if self._next_timer() is not None:
            self._ring()
        else:
            self._control.stuck()

    def _next_timer(self) -> float | None:
        timers = self._timers
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    def _ring(self) -> None:
        """Move time to the next timer and make ready all that are due then."""
        when = self._next_timer()
        assert when is not None
        self._control.advance(when)
        while self._timers and self._timers[0][0] <= self._control.now:
            timer = heapq.heappop(self._timers)[2]
            if not timer._cancelled:
                self._ready.append(timer)

    _stopping: bool


def _is_step(callback: Any) -> bool:
    return type(callback).__name__ in STEPS or getattr(callback, "__name__", "") in STEPS


def _name(coro: Coroutine[Any, Any, Any]) -> str:
    return getattr(coro, "__qualname__", type(coro).__name__)


def _ignore(loop: asyncio.AbstractEventLoop, context: Any) -> None:
    """What nobody retrieved belongs to a run that failed for another reason."""
