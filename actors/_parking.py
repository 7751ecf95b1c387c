"""Parking places: how a task waits for one wake-up, per event loop.

anyio's ``Event`` costs a checkpoint on top of the wait; a bare future on asyncio and a bare
reschedule on trio do not. Whoever waits puts the returned waiter into a slot, so that a wake-up
and a cancellation in the same tick lose nothing: what is handed over lies in the slot's owner.
"""

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any, Protocol

import anyio
import anyio.from_thread
from anyio.lowlevel import EventLoopToken, cancel_shielded_checkpoint, checkpoint, current_token


class Slot:
    """Something a task can wait on: ``waiter`` is set while it is parked."""

    __slots__ = ("waiter",)

    def __init__(self) -> None:
        self.waiter: Any = None


class HasWaiter(Protocol):
    """Whatever can be parked on."""

    waiter: Any


class Loop:
    """The portable parking place, on ``anyio.Event``."""

    #: Messages handled before another task runs; trio, which shuffles, may run two batches in a row.
    batch_max = 64
    #: Behind a longer queue than this an ask waits for the runner instead of stepping.
    throng_min: float = math.inf

    def __init__(self, token: EventLoopToken) -> None:
        #: The event loop's own clock, and the one in use, which may be a simulator's.
        self.native: Callable[[], float] = anyio.current_time
        self.now: Callable[[], float] = self.native
        self.cancelled: type[BaseException] = anyio.get_cancelled_exc_class()
        #: Lets other tasks run; ``checkpoint`` also takes the caller's cancellation.
        self.step: Callable[[], Awaitable[None]] = cancel_shielded_checkpoint
        self.checkpoint: Callable[[], Awaitable[None]] = checkpoint
        self._token = token
        backend = getattr(token, "backend_class", anyio)
        self.effective_deadline: Callable[[], float] = backend.current_effective_deadline

    def park(self, slot: HasWaiter) -> Awaitable[Any]:
        """Wait until somebody wakes ``slot.waiter``."""
        slot.waiter = event = anyio.Event()
        return event.wait()

    def wake(self, waiter: Any) -> None:
        """Wake a waiter; waking twice is harmless."""
        waiter.set()

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call in the event loop's thread, from any thread."""
        anyio.from_thread.run_sync(function, *args, token=self._token)

    def call_in_loop(self, function: Callable[..., Any], *args: Any) -> Any:
        """From another thread: call, in the event loop, a function or an async function."""
        if inspect.iscoroutinefunction(function):
            return anyio.from_thread.run(function, *args, token=self._token)
        return anyio.from_thread.run_sync(function, *args, token=self._token)

    def forget(self, failure: BaseException) -> None:
        """Undo what a native cancellation left on the current task."""


@coroutine
def one_step() -> Generator[None, None, None]:
    """Give the other tasks of an asyncio loop one turn."""
    yield


class AsyncioLoop(Loop):
    """A bare future as the parking place."""

    throng_min = 4

    def __init__(self, token: EventLoopToken) -> None:
        super().__init__(token)
        loop = asyncio.get_running_loop()
        self.now = self.native = loop.time
        self._future = loop.create_future
        self.step = self.checkpoint = one_step  # anyio cancels a task that has only yielded
        self._call_soon = loop.call_soon_threadsafe

    def park(self, slot: HasWaiter) -> "asyncio.Future[None]":
        """Wait until somebody wakes ``slot.waiter``."""
        slot.waiter = future = self._future()
        return future

    def wake(self, waiter: "asyncio.Future[None]") -> None:
        """Wake a waiter; waking twice is harmless."""
        if not waiter.done():
            waiter.set_result(None)

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call in the event loop's thread, from any thread."""
        self._call_soon(function, *args)

    def forget(self, failure: BaseException) -> None:
        """Take back a native ``Task.cancel`` that the runtime did not ask for."""
        task = asyncio.current_task() if isinstance(failure, asyncio.CancelledError) else None
        if task is not None:
            task.uncancel()


class Woken:
    """What ``outcome.Value(None)`` says to a trio task, once for all: that one serves a single time."""

    __slots__ = ()

    def unwrap(self) -> None:
        """Nothing to say."""


WOKEN: Any = Woken()


class TrioLoop(Loop):
    """A task rescheduled by hand as the parking place."""

    throng_min = 4

    def __init__(self, token: EventLoopToken) -> None:
        import trio

        super().__init__(token)
        self.now = self.native = trio.current_time
        self._task = trio.lowlevel.current_task
        self._reschedule = trio.lowlevel.reschedule
        self._wait = trio.lowlevel.wait_task_rescheduled
        self._succeeded = trio.lowlevel.Abort.SUCCEEDED
        self._call_soon = trio.lowlevel.current_trio_token().run_sync_soon
        self.step = trio.lowlevel.cancel_shielded_checkpoint
        self.checkpoint = trio.lowlevel.checkpoint

    def park(self, slot: HasWaiter) -> Awaitable[Any]:
        """Wait until somebody wakes ``slot.waiter``."""
        slot.waiter = waiter = [self._task()]

        def abort(_: Any) -> Any:
            waiter.clear()
            return self._succeeded

        return self._wait(abort)

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call in the event loop's thread, from any thread."""
        self._call_soon(function, *args)

    def wake(self, waiter: list[Any]) -> None:
        """Wake a waiter; waking twice is harmless."""
        if waiter:
            self._reschedule(waiter.pop(), WOKEN)


def current_loop() -> Loop:
    """The parking places of the event loop that runs now."""
    token = current_token()
    library = getattr(getattr(token, "backend_class", None), "__module__", "")
    if library.endswith("._asyncio"):
        return AsyncioLoop(token)
    return TrioLoop(token) if library.endswith("._trio") else Loop(token)
