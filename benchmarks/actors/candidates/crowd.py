"""Many tasks that begin at once: starting them is not part of what is measured."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio


class Crowd:
    """Tasks at the starting line."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._start = anyio.Event()
        self._over = anyio.Event()

    async def member(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the start, do the work, and report."""
        await self._start.wait()
        await work()
        self._left -= 1
        if not self._left:
            self._over.set()

    async def run(self) -> None:
        """Let them start, and wait until all are done."""
        self._start.set()
        await self._over.wait()


@asynccontextmanager
async def crowd(size: int, work: Callable[[], Awaitable[None]]) -> AsyncIterator[Crowd]:
    """``size`` tasks that will each do ``work`` when the crowd is run."""
    gathered = Crowd(size)
    async with anyio.create_task_group() as group:
        for _ in range(size):
            group.start_soon(gathered.member, work)
        await anyio.wait_all_tasks_blocked()
        yield gathered
