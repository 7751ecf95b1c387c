"""Actors pinned to a thread of their own: blocking handlers behind the same ref."""

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from actors._cell import Cell
from actors._parking import Slot


class Thread:
    """The thread of one incarnation. A call that is cut off is abandoned: threads cannot be stopped."""

    __slots__ = ("_cell", "_pool")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=cell.path)

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call in the thread and wait for the result."""
        loop, slot = self._cell.kernel.loop, Slot()
        future: Future[Any] = self._pool.submit(contextvars.copy_context().run, function, *args)

        def wake() -> None:
            if slot.waiter is not None:
                loop.wake(slot.waiter)

        future.add_done_callback(lambda _: loop.call_soon(wake))
        try:
            while not future.done():
                await loop.park(slot)
        finally:
            slot.waiter = None
            future.cancel()
        return future.result()

    def close(self) -> None:
        """Let the thread end after what it does now."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def pinned(cell: Cell, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The handler, run to its end in the actor's thread."""

    async def handle(instance: Any, message: Any) -> Any:
        return await cell.thread.call(finish, function, instance, message)

    return handle


def finish(function: Callable[..., Any], *args: Any) -> Any:
    """Run a coroutine function that never waits for the event loop.

    Raises:
        RuntimeError: It does; only ``ctx.in_loop`` reaches the event loop from a thread.
    """
    work = function(*args)
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    work.close()
    raise RuntimeError("a threaded actor cannot await the event loop; use ctx.in_loop")
