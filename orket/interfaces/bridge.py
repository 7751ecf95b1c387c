"""What the routes share: the running engine, the limits of the bridge, and who is being served."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

import anyio
from starlette.requests import Request
from starlette.types import Scope

from actors import Ref
from actors import Request as Asked
from orket.bootstrap import Orket
from orket.decision_nodes.api_runtime import ANY_HOST
from orket.domain.keys import ApiKey
from orket.domain.memory import Memory
from orket.interfaces.admission import Admission
from orket.interfaces.departures import Departures, Watching
from orket.interfaces.limits import HttpLimits
from orket.interfaces.meter import Meter
from orket.interfaces.problems import NOT_RUNNING, HttpRefusal
from orket.interfaces.pulse import Pulse
from orket.interfaces.reading import deadline_s
from orket.interfaces.streams import Streams
from orket.orchestration.messages import (
    EngineCommand,
    EngineTicket,
    HaltCommand,
    MemoryCommand,
    RunTicket,
    SystemCommand,
)

LOOK_AGAIN_S = 0.25
R = TypeVar("R")


class Bridge:
    """The engine behind the routes; without one, every route that needs it answers 503."""

    def __init__(self, limits: HttpLimits, orket: Orket | None = None) -> None:
        self.limits = limits
        self.streams = Streams(limits.streams)
        self.admission = Admission(limits)
        self.departures = Departures(limits.watch_after_s)
        self.meter = Meter()
        self.require_key = False
        self.verifying = anyio.CapacityLimiter(1)
        self._since = time.monotonic()
        self._retry_after_s, self._look_again = 1, 0.0
        self.connections: Callable[[], int] = lambda: 0
        self.urgent: Callable[[Scope], bool] = lambda scope: False
        self._hosts = frozenset({ANY_HOST})
        self._orket: Orket | None = None
        self._pulse: Pulse | None = None
        if orket is not None:
            self.attach(orket)

    def attach(self, orket: Orket) -> None:
        """Serve this engine from now on."""
        self._orket, self._since = orket, time.monotonic()
        self._pulse = Pulse(orket.ledger)
        self.departures.begin_with(lambda: orket.system.spawn(Watching, self.departures))
        names = orket.nodes.api_runtime.allowed_hosts(orket.settings.host)
        self._hosts = frozenset(name.lower() for name in names)
        self.require_key = orket.settings.require_key

    def allowed_hosts(self) -> frozenset[str]:
        """List the hosts that are served; any, as long as there is nothing to serve."""
        return self._hosts

    def keys(self) -> tuple[ApiKey, ...]:
        """List the keys; none without an engine."""
        return () if self._orket is None else self._orket.keys.all()

    def uptime_s(self) -> float:
        """How long the engine has been served, in seconds."""
        return time.monotonic() - self._since

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

    @property
    def pulse(self) -> Pulse:
        """What the engine's ledger says of it.

        Raises:
            HttpRefusal: There is no engine (yet).
        """
        if self._pulse is None:
            raise HttpRefusal(NOT_RUNNING, "The engine has not been started.")
        return self._pulse

    @overload
    async def ask(self, request: Request, command: EngineCommand) -> RunTicket: ...

    @overload
    async def ask(self, request: Request, command: HaltCommand) -> EngineTicket: ...

    @overload
    async def ask(self, request: Request, command: MemoryCommand) -> Memory: ...

    async def ask(
        self, request: Request, command: EngineCommand | SystemCommand
    ) -> RunTicket | EngineTicket | Memory:
        """Put a command into the engine's mailbox and wait for the answer, up to the request's deadline.

        Raises:
            ActorsError: As ``Ref.ask``; ``problems`` says what each means to the caller.
            HttpRefusal: The deadline asked for is not one.
            ClientDisconnect: The client has left; a command that the engine had not begun is not carried out.
        """
        timeout_s = deadline_s(request, self.limits.ask_s, self.limits.ask_max_s)
        if not self.alive:
            raise HttpRefusal(NOT_RUNNING, "The engine is not running; nothing was asked.")
        engine = self.running.engine
        return await self.departures.unless_left(
            request.receive, lambda: engine.ask(command, timeout=timeout_s)
        )

    async def ask_session(self, request: Request, message: Asked[R]) -> R:
        """Ask the keeper of conversations, as ``ask`` the engine."""
        timeout_s = deadline_s(request, self.limits.ask_s, self.limits.ask_max_s)
        if not self.alive or self.running.sessions is None:
            raise HttpRefusal(NOT_RUNNING, "The engine is not running; nothing was asked.")
        keeper = cast("Ref[Any]", self.running.sessions)
        answer: R = await self.departures.unless_left(
            request.receive, lambda: keeper.ask(message, timeout=timeout_s)
        )
        return answer

    async def ask_project(self, request: Request, message: Asked[R]) -> R:
        """Ask the keeper of project sandboxes, as ``ask`` the engine."""
        timeout_s = deadline_s(request, self.limits.ask_s, self.limits.ask_max_s)
        if not self.alive:
            raise HttpRefusal(NOT_RUNNING, "The engine is not running; nothing was asked.")
        keeper = cast("Ref[Any]", self.running.projects)
        answer: R = await self.departures.unless_left(
            request.receive, lambda: keeper.ask(message, timeout=timeout_s)
        )
        return answer

    def retry_after_s(self) -> int:
        """Say when a caller that was shed may come back, from how much the engine has to do.

        Looked up anew a few times a second at most: shedding must cost less than what it sheds.
        """
        now = time.monotonic()
        if now >= self._look_again:
            running = self.running
            queued = running.system.info(running.engine).mailbox_depth
            self._retry_after_s = running.nodes.api_runtime.retry_after_s(queued)
            self._look_again = now + LOOK_AGAIN_S
        return self._retry_after_s
