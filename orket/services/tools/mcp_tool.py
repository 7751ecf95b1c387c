"""Tools of MCP servers, as tools among the others: the same gate, ledger, approvals and bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anyio

from actors import Ref
from orket.domain.errors import McpError, ToolError
from orket.domain.mcp import McpServer, Offered
from orket.domain.tools import Recovery, ToolResult, failed
from orket.services.mcp_messages import CallMcp, EndMcp, McpRefused, McpRequest
from orket.services.tools.tool import OUTPUT_CHARS_MAX, Tool, ToolContext, bounded, done
from orket.services.tools.workbench import Workbench

END_S = 15.0
SLACK_S = 90.0  # a server may have to be started, and to list its tools


def mcp_tools(
    server: McpServer, offered: Iterable[Offered], servers: Ref[McpRequest] | None
) -> tuple[Tool[Any], ...]:
    """Make the tools of a server; ``servers`` carries out their calls, and without it nobody does."""
    return tuple(_tool(server, one, servers) for one in offered)


def _tool(server: McpServer, offered: Offered, servers: Ref[McpRequest] | None) -> Tool[Any]:
    async def call(args: dict[str, object], context: ToolContext, workbench: Workbench) -> ToolResult:
        if servers is None:
            raise ToolError("no MCP server is called here", code="infrastructure")
        asked = CallMcp(
            server=server,
            tool=offered.tool,
            call_id=context.call.id,
            arguments_json=context.call.arguments_json,
            spec=workbench.spec,
            sandboxes=workbench.sandboxes,
            repeatable=offered.spec.recovery is Recovery.IDEMPOTENT,
        )
        ended = False
        try:
            answer = await servers.ask(asked, timeout=server.timeout_s + SLACK_S)
            ended = True
        except McpRefused as refusal:
            ended = True
            raise _plain(refusal.error) from refusal
        finally:
            if not ended:  # cut off: nothing of it may go on
                await _end(servers, server, workbench)
        if answer.failed:
            return failed(bounded(answer.text, OUTPUT_CHARS_MAX), code="failed")
        return done(content=bounded(answer.text, OUTPUT_CHARS_MAX))

    return Tool(spec=offered.spec, arguments=dict[str, object], effect=call)


def _plain(error: McpError | ToolError) -> ToolError:
    if isinstance(error, ToolError):
        return error
    return ToolError(
        error.detail,
        code="infrastructure",
        hint="the server failed, not your call; nothing was done",
    )


async def _end(servers: Ref[McpRequest], server: McpServer, workbench: Workbench) -> None:
    with anyio.CancelScope(shield=True), anyio.move_on_after(END_S):
        await servers.ask(EndMcp(server=server.name, run_id=workbench.spec.run_id))
