"""Waiting for moments instead of sleeping."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.lowlevel import checkpoint


async def settle(steps: int = 10) -> None:
    """Let everything that can run, run."""
    for _ in range(steps):
        await checkpoint()


class Outcome:
    """What became of a call in the background."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        self.scope = anyio.CancelScope()

    def cancel(self) -> None:
        """Cancel the call."""
        self.scope.cancel()

    async def run(self, function: Callable[..., Awaitable[Any]], *args: Any) -> None:
        """Make the call."""
        with self.scope:
            try:
                self.value = await function(*args)
            except Exception as error:  # noqa: BLE001 - kept for the test to look at
                self.error = error


@asynccontextmanager
async def background(function: Callable[..., Awaitable[Any]], *args: Any) -> AsyncIterator[Outcome]:
    """Make a call beside the block; both have ended when the block is left."""
    outcome = Outcome()
    async with anyio.create_task_group() as group:
        group.start_soon(outcome.run, function, *args)
        yield outcome
