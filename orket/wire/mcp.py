"""What is told of MCP servers and their tools."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orket.domain.mcp import Catalogue, McpServer, Offer


class McpOfferedView(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that is offered."""

    name: str
    recovery: str


class McpServerView(msgspec.Struct, frozen=True, kw_only=True):
    """A server, the tools of it that are offered, and those that are not, each with the reason."""

    name: str
    where: str
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


def server_view(server: McpServer, offer: Offer) -> McpServerView:
    """Tell of a server."""
    offered = tuple(
        McpOfferedView(name=one.spec.name, recovery=one.spec.recovery.value) for one in offer.offered
    )
    return McpServerView(name=server.name, where=server.where, offered=offered, refused=offer.refused)


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
