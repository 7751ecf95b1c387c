"""Pipes: work beside the handler, whose outcome comes back as a message to self."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from actors._cell import Cell
from actors._delivery import force
from actors._envelope import Tick
from actors.errors import MailboxFull

PIPES_MAX = 1024

Source = Awaitable[Any] | Callable[[], Awaitable[Any]]


class Pipe:
    """One piece of work in flight, and how its outcome becomes a message."""

    __slots__ = ("cell", "generation", "on_error", "on_value", "scope", "source")

    def __init__(
        self,
        cell: Cell,
        source: Source,
        on_value: Callable[[Any], Any],
        on_error: Callable[[Exception], Any] | None,
    ) -> None:
        self.cell = cell
        self.source: Source | None = source
        self.on_value = on_value
        self.on_error = on_error
        self.generation = cell.generation
        self.scope = anyio.CancelScope()

    async def run(self) -> None:
        """Do the work and send the outcome, if the incarnation still lives."""
        try:
            with self.scope:
                message = await self._outcome()
                if self.generation == self.cell.generation:
                    force(self.cell, Tick(message, self.generation))
        finally:
            if self.cell.pipes is not None:
                self.cell.pipes.pop(id(self), None)

    async def _outcome(self) -> Any:
        source, self.source = self.source, None
        try:
            value = await (source() if callable(source) else source)  # type: ignore[misc]  # either
            return self.on_value(value)
        except Exception as failure:  # noqa: BLE001 - the outcome goes to the actor
            if self.on_error is None:
                return PipeFailed(failure)
            return self.on_error(failure)

    def cancel(self) -> None:
        """Cut the work off: the incarnation ends."""
        self.scope.cancel()
        if inspect.iscoroutine(self.source):
            self.source.close()
            self.source = None


class PipeFailed:
    """A pipe without ``on_error`` failed: the actor crashes with what it failed with."""

    __slots__ = ("failure",)

    def __init__(self, failure: Exception) -> None:
        self.failure = failure


def start_pipe(
    cell: Cell,
    source: Source,
    on_value: Callable[[Any], Any],
    on_error: Callable[[Exception], Any] | None,
) -> None:
    """Start the work in a task of the runtime.

    Raises:
        MailboxFull: Too many pipes of this actor are in flight; nothing was started.
    """
    pipes = cell.pipes
    if pipes is None:
        pipes = cell.pipes = {}
    if len(pipes) >= PIPES_MAX:
        if inspect.iscoroutine(source):
            source.close()
        raise MailboxFull(f"{cell.path} has {PIPES_MAX} pipes in flight", cell.path)
    pipe = Pipe(cell, source, on_value, on_error)
    pipes[id(pipe)] = pipe
    cell.kernel.start_task(pipe.run)


def cancel_pipes(cell: Cell) -> None:
    """Cut all of them off."""
    pipes, cell.pipes = cell.pipes, None
    for pipe in (pipes or {}).values():
        pipe.cancel()
