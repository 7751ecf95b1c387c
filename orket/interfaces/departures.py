"""Clients that leave while they wait: what they wait for is given up.

A task group per request costs more than asking an actor, so the waits of a served bridge are watched by one
task, which looks at those that have lasted for a while. Without it (an app mounted without its lifespan)
each wait watches for itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import attrs
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from actors import ActorsError
from orket.domain.errors import OrketError

T = TypeVar("T")


@attrs.define(eq=False)
class _Wait:
    """One wait: how to hear of its client, how to end it, and when at the latest."""

    receive: Receive | None
    scope: anyio.CancelScope
    until: float = math.inf
    seen: bool = False
    watch: anyio.CancelScope | None = None


class Departures:
    """Gives up what a client waits for, once the client has left.

    Args:
        after_s: How long a wait lasts before it is watched, at most twice that.

    Attributes:
        lazy: Whether waits are watched by one task, after a while; else each from its beginning.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._waits: set[_Wait] = set()
        self.lazy = False
        self._begun: anyio.Event | None = None

    def __len__(self) -> int:
        return len(self._waits)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch over the waits of this app, while the block runs."""
        async with anyio.create_task_group() as group:
            self.lazy = True
            group.start_soon(self._look, group)
            try:
                yield
            finally:
                self.lazy = False
                group.cancel_scope.cancel()

    async def unless_left(self, receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that a client waits for.

        Args:
            receive: The request's, whose body has been read.
            work: What to do; cancelled when the client leaves.

        Raises:
            ClientDisconnect: The client has left.
        """
        if not self.lazy:
            return await _watching(receive, work)
        with anyio.CancelScope() as scope:
            wait = _Wait(receive, scope)
            self._add(wait)
            try:
                return await work()
            finally:
                self._waits.discard(wait)
                if wait.watch is not None:
                    wait.watch.cancel()
        raise ClientDisconnect

    async def within(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do something that does not return None, and give it up after some seconds; None if so.

        A served bridge looks at its waits now and then, so the time may be exceeded by as much.
        """
        if not self.lazy:
            with anyio.move_on_after(seconds):
                return await work()
            return None
        with anyio.CancelScope() as scope:
            wait = _Wait(None, scope, time.monotonic() + seconds)
            self._add(wait)
            try:
                return await work()
            finally:
                self._waits.discard(wait)
        return None

    def _add(self, wait: _Wait) -> None:
        self._waits.add(wait)
        if self._begun is not None:
            self._begun.set()

    async def _look(self, group: anyio.abc.TaskGroup) -> None:
        """Begin to watch the waits that were there last time already; sleep when there are none."""
        while True:
            if not self._waits:
                self._begun = anyio.Event()
                await self._begun.wait()
                self._begun = None
            await anyio.sleep(self._after_s)
            now = time.monotonic()
            for wait in self._waits:
                if now > wait.until:
                    wait.scope.cancel()
                if wait.seen and wait.watch is None and wait.receive is not None:
                    wait.watch = anyio.CancelScope()
                    group.start_soon(_until_left, wait, wait.receive, wait.watch)
                wait.seen = True


async def _until_left(wait: _Wait, receive: Receive, watch: anyio.CancelScope) -> None:
    with watch:
        await _leaving(receive)
        wait.scope.cancel()


async def _leaving(receive: Receive) -> None:
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass


async def _watching(receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
    """Do something, and watch the client from the beginning."""
    outcome: list[T | OrketError | ActorsError] = []

    async def watch() -> None:
        await _leaving(receive)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            outcome.append(await work())
        except (OrketError, ActorsError) as error:
            outcome.append(error)  # a task group would wrap it
        group.cancel_scope.cancel()
    if not outcome:
        raise ClientDisconnect
    if isinstance(outcome[0], OrketError | ActorsError):
        raise outcome[0]
    return outcome[0]
