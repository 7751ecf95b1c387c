"""Coroutines driven by hand, step by step."""

from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any

from anyio.lowlevel import cancel_shielded_checkpoint


@coroutine
def stepping(work: Any, suspend: Callable[[], None]) -> Generator[Any, Any, Any]:
    """Drive a coroutine by hand, with a call before each suspension."""
    step: Callable[[Any], Any]
    step, given = work.send, None
    while True:
        try:
            trap = step(given)
        except StopIteration as stop:
            return stop.value
        suspend()
        try:
            given, step = (yield trap), work.send
        except GeneratorExit:
            work.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - passed into the coroutine
            given, step = thrown, work.throw


async def lingering(work: Awaitable[Any], times: Callable[[], int]) -> Any:
    """Await ``work``, letting the other tasks go first, ``times()`` times, before each of its steps."""
    return await _lingering(work, times)


@coroutine
def _lingering(work: Any, times: Callable[[], int]) -> Generator[Any, Any, Any]:
    step: Callable[[Any], Any]
    step, given = work.send, None
    while True:
        for _ in range(times()):
            yield from cancel_shielded_checkpoint().__await__()
        try:
            trap = step(given)
        except StopIteration as stop:
            return stop.value
        try:
            given, step = (yield trap), work.send
        except GeneratorExit:
            work.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - passed into the coroutine
            given, step = thrown, work.throw
