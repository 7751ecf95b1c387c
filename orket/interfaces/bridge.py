"""What the routes share: the running engine, the limits of the bridge, the event streams that are open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import overload

import anyio
import attrs
from starlette.requests import Request

from orket.bootstrap import Orket
from orket.decision_nodes.api_runtime import ANY_HOST
from orket.interfaces.problems import NOT_RUNNING, STREAMS, HttpRefusal
from orket.interfaces.reading import deadline_s
from orket.orchestration.messages import EngineCommand, EngineTicket, RunTicket, SystemCommand


@attrs.frozen(kw_only=True)
class HttpLimits:
    """The bounds of the bridge; every queue and every wait has one.

    ``send_stall_s`` is how long a client may take no byte of its event stream before it is let go.
    """

    body_bytes: int = 1024 * 1024
    body_s: float = 10.0
    ask_s: float = 30.0
    ask_max_s: float = 600.0
    streams: int = 1000
    heartbeat_s: float = 15.0
    send_stall_s: float = 30.0
    stream_page: int = 500


class Streams:
    """The open event streams: bounded in number, and ended all at once when the server stops.

    Args:
        limit: How many may be open at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[anyio.CancelScope] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def admitted(self) -> Iterator[anyio.CancelScope]:
        """Be one of the open streams; the block is cancelled when they are closed.

        Raises:
            HttpRefusal: Too many are open, or the server is stopping.
        """
        if self._closed:
            raise HttpRefusal(NOT_RUNNING, "The server is stopping.")
        if len(self._open) >= self._limit:
            raise HttpRefusal(STREAMS, f"{self._limit} streams are open.", headers={"retry-after": "5"})
        with anyio.CancelScope() as scope:
            self._open.add(scope)
            try:
                yield scope
            finally:
                self._open.discard(scope)

    def close(self) -> None:
        """End all streams and admit no more."""
        self._closed = True
        for scope in self._open:
            scope.cancel()


class Bridge:
    """The engine behind the routes; without one, every route that needs it answers 503."""

    def __init__(self, limits: HttpLimits, orket: Orket | None = None) -> None:
        self.limits = limits
        self.streams = Streams(limits.streams)
        self._hosts = frozenset({ANY_HOST})
        self._orket: Orket | None = None
        if orket is not None:
            self.attach(orket)

    def attach(self, orket: Orket) -> None:
        """Serve this engine from now on."""
        self._orket = orket
        names = orket.nodes.api_runtime.allowed_hosts(orket.settings.host)
        self._hosts = frozenset(name.lower() for name in names)

    def allowed_hosts(self) -> frozenset[str]:
        """List the hosts that are served; any, as long as there is nothing to serve."""
        return self._hosts

    @property
    def alive(self) -> bool:
        """Whether requests can be carried out."""
        return self._orket is not None and self._orket.alive()

    @property
    def running(self) -> Orket:
        """The engine.

        Raises:
            HttpRefusal: There is none (yet).
        """
        if self._orket is None:
            raise HttpRefusal(NOT_RUNNING, "The engine has not been started.")
        return self._orket

    @overload
    async def ask(self, request: Request, command: EngineCommand) -> RunTicket: ...

    @overload
    async def ask(self, request: Request, command: SystemCommand) -> EngineTicket: ...

    async def ask(self, request: Request, command: EngineCommand | SystemCommand) -> RunTicket | EngineTicket:
        """Put a command into the engine's mailbox and wait for the answer, up to the request's deadline.

        Raises:
            ActorsError: As ``Ref.ask``; ``problems`` says what each means to the caller.
            HttpRefusal: The deadline asked for is not one.
        """
        timeout_s = deadline_s(request, self.limits.ask_s, self.limits.ask_max_s)
        if not self.alive:
            raise HttpRefusal(NOT_RUNNING, "The engine is not running; nothing was asked.")
        return await self.running.engine.ask(command, timeout=timeout_s)

    def retry_after_s(self) -> int:
        """Say when a caller that was shed may come back, from how much the engine has to do."""
        running = self.running
        queued = running.system.info(running.engine).mailbox_depth
        return running.nodes.api_runtime.retry_after_s(queued)
