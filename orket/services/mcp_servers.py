"""The MCP servers of an engine: one session per run and server, each an actor; never a wait in a handler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio
import attrs

from actors import Actor, ActorsError, Crashed, Message, NotRunning, Ref, Reply, Terminated, on
from orket.domain.errors import McpError
from orket.domain.identifiers import RunId
from orket.domain.mcp import McpAnswer
from orket.services.mcp_messages import CallMcp, EndMcp, ListMcp, McpLife, McpOver, McpRefused
from orket.services.mcp_session import McpSession, McpTools

R = TypeVar("R")

SESSIONS_MAX = 64
STARTS_MAX, STARTS_WITHIN_S = 10, 300.0
_Key = tuple[str, RunId]


@attrs.frozen
class _Answered(Message):
    """A request was answered by the session it went to."""


class McpServers(
    Actor[CallMcp | EndMcp | ListMcp | _Answered | Terminated], restart="permanent", shutdown=20.0
):
    """Hands each call to the session of its run with its server.

    A session that crashed is opened anew by the next call, but not more than ``STARTS_MAX`` times within
    ``STARTS_WITHIN_S`` seconds.
    """

    def __init__(self, tools: McpTools) -> None:
        self._tools = tools
        self._sessions: dict[_Key, Ref[CallMcp]] = {}
        self._starts: dict[_Key, list[float]] = {}
        self._problems: dict[str, str] = {}
        self._count = 0

    @on(CallMcp)
    async def call(self, m: CallMcp) -> Reply[McpAnswer]:
        """Hand on; a call that found its session going goes to the next."""
        child, to = self._session(m), self.ctx.defer(m)

        async def act() -> McpAnswer:
            try:
                return await self._asked(child, m)
            except (NotRunning, McpOver):
                await self._gone(child)
                return await self._asked(self._session(m), m)

        return self._beside(act, to)

    @on(EndMcp)
    async def end(self, m: EndMcp) -> bool | Reply[bool]:
        """End a session."""
        if (child := self._sessions.get((m.server, m.run_id))) is None:
            return False

        async def act() -> bool:
            await self._gone(child)
            return True

        return self._beside(act, self.ctx.defer(m))

    @on(ListMcp)
    async def list_(self, m: ListMcp) -> Mapping[str, McpLife]:
        """Count the sessions, and tell what went wrong."""
        open_ = Counter(name for name, _ in self._sessions)
        names = {*open_, *self._problems}
        return {one: McpLife(sessions=open_[one], problem=self._problems.get(one, "")) for one in names}

    @on(Terminated)
    async def _ended(self, m: Terminated) -> None:
        """Forget a session that is gone."""
        self._forget(m.ref)

    async def _asked(self, child: Ref[CallMcp], m: CallMcp) -> McpAnswer:
        """Ask a session, and take down whether its server can be had."""
        name = m.server.name
        try:
            answer = await child.ask(m, timeout=None)
        except McpRefused as refusal:
            if isinstance(refusal.error, McpError):
                self._problems[name] = refusal.error.detail
            raise
        except Crashed as error:
            self._problems[name] = str(error.__cause__ or error)
            raise
        self._problems.pop(name, None)
        return answer

    @on(_Answered)
    async def _answered(self, m: _Answered) -> None:
        """Nothing is left to do."""

    def _session(self, m: CallMcp) -> Ref[CallMcp]:
        key = (m.server.name, m.spec.run_id)
        if (known := self._sessions.get(key)) is not None:
            return known
        if len(self._sessions) >= SESSIONS_MAX:
            raise McpRefused(McpError(f"{SESSIONS_MAX} sessions with MCP servers are open already"))
        self._count_start(key)
        self._count += 1
        child = self.ctx.named(f"{m.server.name}-{self._count}").spawn(McpSession, m.server, self._tools)
        self.ctx.watch(child)
        self._sessions[key] = child
        return child

    def _count_start(self, key: _Key) -> None:
        since_s = anyio.current_time() - STARTS_WITHIN_S
        recent = {one: [at for at in times if at > since_s] for one, times in self._starts.items()}
        self._starts = {one: times for one, times in recent.items() if times}
        starts = self._starts.setdefault(key, [])
        if len(starts) >= STARTS_MAX:
            told = f"MCP server {key[0]} was started {STARTS_MAX} times within {STARTS_WITHIN_S:g} s"
            raise McpRefused(McpError(told))
        starts.append(anyio.current_time())

    def _forget(self, gone: Ref[CallMcp]) -> None:
        self._sessions = {key: one for key, one in self._sessions.items() if one != gone}

    async def _gone(self, child: Ref[CallMcp]) -> None:
        self._forget(child)
        await self.ctx.stop_child(child)

    def _beside(self, act: Callable[[], Awaitable[R]], to: Reply[R]) -> Reply[R]:
        async def answer() -> _Answered:
            try:
                to.reply(await act())
            except ActorsError as error:
                to.fail(error)
            return _Answered()

        self.ctx.pipe(answer, lambda done: done)
        return to
