"""The session of one run with one MCP server: opened at the first call, gone when the server is."""

from __future__ import annotations

import json
from collections.abc import Mapping

import anyio
import anyio.to_thread
import attrs

from actors import Actor, ActorsError, Exit, Message, Reply, on
from orket.domain.errors import McpError, McpLost, SandboxError, ToolError
from orket.domain.identifiers import CallId
from orket.domain.mcp import Catalogues, McpAnswer, McpServer, differences
from orket.domain.mcp_ports import McpConnector, McpLink
from orket.domain.sandboxes import Command, CommandResult
from orket.services.mcp_messages import CallMcp, McpOver, McpRefused
from orket.services.sandbox_messages import EndCommand, RunInSandbox, SandboxRefused

JOBS_MAX = 64
IDLE_S = 600.0


@attrs.frozen(kw_only=True)
class McpTools:
    """What every session needs at hand."""

    connector: McpConnector
    catalogues: Catalogues


@attrs.frozen
class _Over(Message):
    """The session has ended; ``lost`` says that a call may have acted and has no answer."""

    reason: str
    lost: bool


@attrs.define(eq=False)
class _Job:
    """A call and who waits for it; ``sent`` once it may have acted."""

    asked: CallMcp
    to: Reply[McpAnswer]
    sent: bool = False


class SessionLost(Exception):
    """The server was lost while it was asked; crashes the session, so that its askers learn of it."""


class McpSession(Actor[CallMcp | _Over], restart="temporary", shutdown=10.0):
    """Owns one session. It serves several calls at a time, beside the handlers.

    It is gone when the session is: by ending, when nothing is lost, by a crash when a call may have acted.
    """

    def __init__(self, server: McpServer, tools: McpTools) -> None:
        self._server, self._tools = server, tools
        self._jobs: set[_Job] = set()
        self._put, self._get = anyio.create_memory_object_stream[_Job](JOBS_MAX)
        self._changes: Mapping[str, str] = {}
        self._ending = ""
        self._lost = False
        self._begun, self._opened = False, False

    @on(CallMcp)
    async def call(self, m: CallMcp) -> Reply[McpAnswer]:
        """Take a call on; the first one opens the session."""
        if self._ending:
            raise McpOver(self._ending)
        if len(self._jobs) >= JOBS_MAX:
            raise McpRefused(McpError(f"{JOBS_MAX} calls of {self._server.name} are under way"))
        job = _Job(m, self.ctx.defer(m))
        self._jobs.add(job)
        self._put.send_nowait(job)
        if not self._begun:
            self._begun = True
            self.ctx.pipe(lambda: self._session(m), lambda over: over)
        return job.to

    @on(_Over)
    async def _over(self, m: _Over) -> None:
        """Refuse what has not begun, and go.

        Raises:
            SessionLost: Something may have acted; whoever waits for it learns of this.
        """
        for job in tuple(self._jobs):
            if not job.sent:
                self._jobs.discard(job)
                job.to.fail(McpOver(m.reason) if self._opened else McpRefused(McpError(m.reason)))
        if m.lost or any(job.sent for job in self._jobs):
            raise SessionLost(m.reason)
        self.ctx.stop()

    async def on_stop(self, reason: Exit) -> None:
        """Let go of the queue."""
        self._put.close()
        self._get.close()

    async def _session(self, first: CallMcp) -> _Over:
        room, spec = first.sandboxes, first.spec
        own = CallId(f"mcp-{self._server.name}")

        async def start(command: Command) -> CommandResult:
            try:
                return await room.ask(RunInSandbox(spec=spec, call_id=own, command=command))
            except SandboxRefused as refusal:
                raise refusal.error from refusal
            except ActorsError as error:
                raise SandboxError(f"the sandbox was lost ({type(error).__name__})") from error
            finally:
                room.tell(EndCommand(run_id=spec.run_id, call_id=own))

        try:
            await self._tools.connector.visit(self._server, start, self._serve)
        except McpError as error:
            self._ending = self._ending or error.detail
        return _Over(self._ending or f"MCP server {self._server.name} was not needed any more", self._lost)

    async def _serve(self, link: McpLink) -> None:
        """Compare the server with what was approved of it, then carry out calls until it is time to go."""
        try:
            await self._compare(link)
        except McpError as error:
            self._ending = error.detail
            return
        self._opened = True
        async with anyio.create_task_group() as group:
            while not self._ending:
                job = None
                with anyio.move_on_after(IDLE_S):
                    job = await self._get.receive()
                if job is not None:
                    group.start_soon(self._carry_out, link, job, group.cancel_scope)
                elif not self._jobs:
                    self._ending = f"MCP server {self._server.name} was not needed any more"

    async def _compare(self, link: McpLink) -> None:
        with anyio.move_on_after(self._server.timeout_s) as patience:
            found = await link.tools()
            catalogues, name = self._tools.catalogues, self._server.name
            approved = await anyio.to_thread.run_sync(catalogues.approved, name)
            self._changes = differences(approved.tools if approved else (), found)
            if self._changes:
                await anyio.to_thread.run_sync(catalogues.note_changes, name, self._changes)
        if patience.cancelled_caught:
            raise McpError(f"MCP server {self._server.name} does not list its tools in time")

    async def _carry_out(self, link: McpLink, job: _Job, session: anyio.CancelScope) -> None:
        """Call and answer; a server that was lost or does not answer takes the session with it."""
        try:
            if (
                link.stale() or job.asked.tool.name in self._changes
            ):  # a person may have approved it meanwhile
                await self._compare(link)
            self._require_approved(job.asked)
            self._settle(job, await self._ask(link, job))
        except TimeoutError:
            self._ending = (
                f"MCP server {self._server.name} did not answer within {self._server.timeout_s:g} s"
            )
            if self._server.url and not job.asked.repeatable:
                self._lost = True
            else:
                self._settle(job, ToolError(self._ending, code="timeout", hint="it may have acted in part"))
            session.cancel()
        except McpLost as error:
            self._ending, self._lost = error.detail, True
            session.cancel()
        except (McpError, ToolError) as error:
            self._settle(job, error)

    def _require_approved(self, asked: CallMcp) -> None:
        if (how := self._changes.get(asked.tool.name)) is None:
            return
        raise ToolError(
            f"{asked.tool.name} of the MCP server {self._server.name} {how} since a person approved it",
            code="changed",
            hint=f"a person must look: orket mcp approve {self._server.name}",
        )

    async def _ask(self, link: McpLink, job: _Job) -> McpAnswer:
        asked = job.asked
        arguments = json.loads(asked.arguments_json)
        if problem := self._tools.connector.problem(asked.tool.schema_json, arguments):
            raise ToolError(f"the arguments do not fit: {problem}", code="arguments")
        job.sent = True
        with anyio.fail_after(self._server.timeout_s):
            return await link.call(asked.tool.name, arguments)
        raise AssertionError("a deadline raises")

    def _settle(self, job: _Job, answer: McpAnswer | McpError | ToolError) -> None:
        self._jobs.discard(job)
        if isinstance(answer, McpAnswer):
            job.to.reply(answer)
        else:
            job.to.fail(McpRefused(answer))
