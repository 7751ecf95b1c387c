"""What is told of MCP servers and their tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.mcp import Catalogue, McpStanding, McpState


class McpOfferedView(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that is offered."""

    name: str
    recovery: str


class McpServerView(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it stands: the tools that are offered, and those that are not, each with the reason."""

    name: Annotated[str, Meta(examples=["time"])]
    where: Annotated[str, Meta(description="The command or the URL.")]
    state: Annotated[
        McpState,
        Meta(
            description="`unavailable`: the extra is not installed; `needs_approval`: nothing of it is "
            "offered; `crashed`: its last call found no server; `running`: it has sessions; "
            "`ready`: it is started when it is called."
        ),
    ]
    reason: Annotated[str, Meta(description="What is wrong with it; empty when nothing is.")]
    sessions: Annotated[int, Meta(ge=0, description="One for each run that has called it and goes on.")]
    offered: tuple[McpOfferedView, ...]
    refused: tuple[tuple[str, str], ...]


class McpToolView(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as its server describes it."""

    name: str
    description: str
    schema_json: str
    read_only: bool
    idempotent: bool


class McpLookView(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it is now, and how its tools differ from those approved, by name."""

    digest: str
    where: str
    tools: tuple[McpToolView, ...]
    changes: Mapping[str, str]


class McpServersView(msgspec.Struct, frozen=True, kw_only=True):
    """The MCP servers that the organization file declares."""

    servers: tuple[McpServerView, ...]


def server_view(found: McpStanding) -> McpServerView:
    """Tell of a server."""
    offered = tuple(
        McpOfferedView(name=one.spec.name, recovery=one.spec.recovery.value) for one in found.offer.offered
    )
    return McpServerView(
        name=found.server.name,
        where=found.server.where,
        state=found.state,
        reason=found.reason,
        sessions=found.sessions,
        offered=offered,
        refused=found.offer.refused,
    )


def look_view(found: Catalogue, changes: Mapping[str, str]) -> McpLookView:
    """Tell of what a look at a server found."""
    tools = tuple(
        McpToolView(
            name=one.name,
            description=one.description,
            schema_json=one.schema_json,
            read_only=one.read_only,
            idempotent=one.idempotent,
        )
        for one in found.tools
    )
    return McpLookView(digest=found.digest, where=found.where, tools=tools, changes=changes)
