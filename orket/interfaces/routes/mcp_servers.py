"""``/v1/mcp/servers``: the MCP servers of the house, and how they stand."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation
from orket.wire.mcp import McpServersView, server_view


async def index(bridge: Bridge, request: Request) -> Response:
    """Show the servers as they stand; nothing is started."""
    house = bridge.running.mcp
    found = () if house is None else await house.standings()
    return json_response(McpServersView(servers=tuple(map(server_view, found))))


OPERATIONS = (
    Operation(
        name="listMcpServers",
        method="GET",
        path="/v1/mcp/servers",
        summary="The MCP servers of the house: state, tools that are offered, why others are not",
        handler=index,
        answers=(Answer(status=200, description="The servers as they stand.", body=McpServersView),),
        problems=READS,
        tag="policies",
    ),
)
