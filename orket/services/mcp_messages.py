"""What can be asked of the MCP servers: a call in the session of its run, and the end of that session."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from actors import Ref, Reject, Request
from orket.domain.errors import McpError, ToolError
from orket.domain.identifiers import CallId, RunId
from orket.domain.mcp import McpAnswer, McpServer, McpTool
from orket.domain.sandboxes import SandboxSpec
from orket.services.sandbox_messages import EndCommand, RunInSandbox

ServerRoom = Ref[RunInSandbox | EndCommand]


class McpRefused(Reject):
    """The server cannot be had, or refuses the call; nothing acted."""

    def __init__(self, error: McpError | ToolError) -> None:
        super().__init__(error.detail)
        self.error = error


class McpOver(Reject):
    """This session ends, and has not taken the call on; the next one will."""


@attrs.frozen(kw_only=True)
class CallMcp(Request[McpAnswer]):
    """Call a tool in the session that the server has for this run; it is opened at need.

    ``tool`` is what was approved; one that has changed since is not called (``McpRefused`` with the code
    ``changed``). A server that is lost meanwhile crashes the session: the call may have acted. A call that
    takes longer than the server's time ends with the session, and is answered with ``timeout`` or, when it
    may go on elsewhere, as lost.
    """

    server: McpServer
    tool: McpTool
    call_id: CallId
    arguments_json: str
    spec: SandboxSpec
    sandboxes: ServerRoom
    repeatable: bool = False


@attrs.frozen(kw_only=True)
class EndMcp(Request[bool]):
    """End the session a server has for a run, and the server if it is a command; answered when it is gone."""

    server: str
    run_id: RunId


@attrs.frozen(kw_only=True)
class McpLife:
    """A server's open sessions, and what went wrong with it last; empty since it answered."""

    sessions: int = 0
    problem: str = ""


@attrs.frozen
class ListMcp(Request[Mapping[str, McpLife]]):
    """Say how the servers are that were called so far, by name."""


McpRequest = CallMcp | EndMcp | ListMcp
