"""Clients that leave while they wait: what they wait for is given up.

A task group per request costs more than asking an actor, so all waits are watched by one task, which looks at
those that have lasted for a while. It belongs to the app's lifespan or to its server; an app that is mounted
without either has it begun beside its engine, by the first request that waits.
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

from actors import Actor, Message, on

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
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._waits: set[_Wait] = set()
        self._begin: Callable[[], object] | None = None
        self._watched = False
        self._begun: anyio.Event | None = None

    def __len__(self) -> int:
        return len(self._waits)

    def begin_with(self, begin: Callable[[], object]) -> None:
        """Have ``begin`` called when something waits and nobody watches; it has ``watch`` run somewhere."""
        self._begin, self._watched = begin, False

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch over the waits of this app, while the block runs."""
        async with anyio.create_task_group() as group:
            self._watched = True
            group.start_soon(self.watch)
            try:
                yield
            finally:
                group.cancel_scope.cancel()

    async def watch(self) -> None:
        """Watch over the waits of this app, until cancelled."""
        self._watched = True
        try:
            async with anyio.create_task_group() as group:
                await self._look(group)
        finally:
            self._watched = False

    async def unless_left(self, receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that a client waits for.

        Args:
            receive: The request's, whose body has been read.
            work: What to do; cancelled when the client leaves.

        Raises:
            ClientDisconnect: The client has left.
        """
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

        The waits are looked at now and then, so the time may be exceeded by as much.
        """
        with anyio.CancelScope() as scope:
            wait = _Wait(None, scope, time.monotonic() + seconds)
            self._add(wait)
            try:
                return await work()
            finally:
                self._waits.discard(wait)
        return None

    def _add(self, wait: _Wait) -> None:
        if not self._watched and self._begin is not None:
            self._begin()
            self._watched = True
        self._waits.add(wait)
        if self._begun is not None:
            self._begun.set()

    async def _look(self, group: anyio.abc.TaskGroup) -> None:
        """Begin to watch the waits that were there last time already; sleep when there are none."""
        while True:
            if not self._waits:
                begun = self._begun = self._begun or anyio.Event()
                await begun.wait()
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


@attrs.frozen
class Over(Message):
    """Nobody watches any more; ``Departures.watch`` does not end by itself."""


class Watching(Actor[Over]):
    """Watches over the waits of an app that has no lifespan, as long as its engine runs."""

    def __init__(self, departures: Departures) -> None:
        self._departures = departures

    async def on_start(self) -> None:
        """Begin."""
        self.ctx.pipe(self._departures.watch, lambda _: Over())

    @on(Over)
    async def _over(self, m: Over) -> None:
        self.ctx.stop()
