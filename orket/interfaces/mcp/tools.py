"""The tools of the MCP server: requests to the bridge, whose refusals are told in its own words.

A run's ``state`` is one of MCP's task states: ``working``, ``input_required``, ``completed``, ``failed`` or
``cancelled``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import msgspec
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

import orket
from orket.client import ClientError, ClientProblem, OrketClient
from orket.domain.tools import HumanVerdict
from orket.wire.runs import StartRunBody

BY = "mcp"
WAIT_S_MAX = 50.0
LIMIT_MAX = 100
_INSTRUCTIONS = (
    "Orket runs work from cards under rules. Start a run, then look at its state until it is completed,"
    " failed or cancelled. input_required: paused, or waiting; list the approvals, let a person decide."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_ENDS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

RunId = Annotated[str, Field(min_length=1, max_length=64, description="The run's id.")]
Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX, description="How many at most.")]
Wait = Annotated[
    float, Field(ge=0, le=WAIT_S_MAX, description="Wait until the run rests, so many seconds at most.")
]
Json = dict[str, object]


def make_server(client: OrketClient) -> MCPServer:
    """Make the server; the client stays its caller's, who closes it after the server."""
    server = MCPServer("orket", version=orket.__version__, instructions=_INSTRUCTIONS, log_level="WARNING")
    _add_looking(server, client)
    _add_acting(server, client)
    return server


def _add_looking(server: MCPServer, client: OrketClient) -> None:
    async def list_runs(limit: Limit = 20, open_only: bool = False) -> Json:
        """List runs, newest first, with the state of each."""
        with _told():
            return _json(await client.operations(limit=limit, open_only=open_only))

    async def get_run(run_id: RunId, wait_s: Wait = 0.0) -> Json:
        """Show a run's state, its counts and why it stands there; can wait until it rests."""
        with _told():
            state = await client.operation(run_id, wait_s=wait_s or None)
            return {
                "state": state.state,
                "poll_after_s": state.poll_after_s,
                **_json(await client.run(run_id)),
            }

    async def list_cards(run_id: RunId, limit: Limit = 50) -> Json:
        """List the cards of a run as they stand."""
        with _told():
            return _json(await client.cards(run_id, limit=limit))

    async def list_events(
        run_id: RunId,
        after: Annotated[int, Field(ge=0, description="The sequence number to go on after.")] = 0,
        limit: Limit = 50,
    ) -> Json:
        """List what was recorded about a run, oldest first; go on after the last `seq`."""
        with _told():
            return _json(await client.ledger(after=after, limit=limit, run_id=run_id))

    async def list_approvals(limit: Limit = 50) -> Json:
        """List the tool calls that wait for a person, of all runs."""
        with _told():
            return _json(await client.approvals(limit=limit))

    for tool in (list_runs, get_run, list_cards, list_events, list_approvals):
        server.tool(annotations=_READS)(tool)


def _add_acting(server: MCPServer, client: OrketClient) -> None:
    async def start_run(
        target: Annotated[
            str, Field(min_length=1, max_length=4096, description="A card file, or an asset's name.")
        ],
        only: Annotated[str | None, Field(description="Restrict the run to one issue.")] = None,
        key: Annotated[
            str | None,
            Field(
                min_length=1, max_length=255, description="The same key starts the run once, however often."
            ),
        ] = None,
    ) -> Json:
        """Start a run; answered when that is recorded. It goes on whether or not anybody looks."""
        with _told():
            started = await client.start_run(StartRunBody(target=target, only=only), key=key)
            return {"id": started.id, "state": (await client.operation(started.id)).state}

    async def decide_approval(
        approval_id: Annotated[str, Field(min_length=1, max_length=64, description="As the list names it.")],
        decision: Literal["approve", "deny"],
        by: Annotated[str, Field(min_length=1, max_length=100, description="The person who decided.")] = BY,
    ) -> Json:
        """Record a person's decision about a call that waits; an approval is good for this call once."""
        verdict = HumanVerdict.APPROVE if decision == "approve" else HumanVerdict.DENY
        with _told():
            return _json(await client.decide_approval(approval_id, verdict, by=by))

    async def cancel_run(
        run_id: RunId, reason: Annotated[str, Field(max_length=1000, description="Why.")] = ""
    ) -> Json:
        """End a run for good."""
        with _told():
            ended = await client.cancel_operation(run_id, by=BY, reason=reason)
            return {"id": ended.id, "state": ended.state}

    server.tool(annotations=_ACTS)(start_run)
    server.tool(annotations=_ENDS)(decide_approval)
    server.tool(annotations=_ENDS)(cancel_run)


@contextmanager
def _told() -> Iterator[None]:
    """Say to the model what the bridge says, with the place of each fault."""
    try:
        yield
    except ClientProblem as error:
        faults = "".join(f"; {one.place}{one.pointer}: {one.detail}" for one in error.errors)
        raise ToolError(f"{error.title}: {error.detail}{faults}") from error
    except ClientError as error:
        raise ToolError(str(error)) from error


def _json(view: msgspec.Struct) -> Json:
    found: Json = msgspec.to_builtins(view)
    return found
