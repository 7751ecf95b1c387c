"""The MCP servers that an organization file declares."""

from __future__ import annotations

import math
import re
from urllib.parse import urlsplit

from orket.domain.mcp import McpServer
from orket.domain.tools import Recovery
from orket.infrastructure.assets.documents import Document, pointer_to
from orket.infrastructure.assets.shapes import JsonObject, McpServerShape, McpShape, shape

SERVERS_MAX = 32
TIMEOUT_S_MAX = 3_600.0
RECOVERIES = (Recovery.IDEMPOTENT, Recovery.ASK_HUMAN)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")


def mcp_servers(document: Document, told: JsonObject | None) -> tuple[McpServer, ...]:
    """Read the servers at ``/mcp`` of an organization file.

    Raises:
        AssetError: Something does not fit; it names the place.
    """
    servers = shape(document, "/mcp", told or {}, McpShape).servers or {}
    if len(servers) > SERVERS_MAX:
        raise document.error("/mcp/servers", f"at most {SERVERS_MAX} servers, not {len(servers)}")
    return tuple(_server(document, name, one) for name, one in servers.items())


def _server(document: Document, name: str, told: object) -> McpServer:
    pointer = pointer_to("mcp", "servers", name)
    if not _NAME.fullmatch(name):
        raise document.error(
            pointer, "a server is named by lower-case letters, digits and hyphens, at most 24, a letter first"
        )
    found = shape(document, pointer, told, McpServerShape)
    if (found.command is None) is (found.url is None):
        raise document.error(pointer, "must have either a command or a url")
    if found.command is not None and not (found.command and found.command[0].strip()):
        raise document.error(f"{pointer}/command", "names no program")
    if found.url is not None:
        _check_url(document, f"{pointer}/url", found.url)
    if not 0 < found.timeout_s <= TIMEOUT_S_MAX or math.isnan(found.timeout_s):
        raise document.error(f"{pointer}/timeout_s", f"must be above 0 and at most {TIMEOUT_S_MAX:g}")
    return McpServer(
        name=name,
        command=tuple(found.command or ()),
        url=found.url or "",
        recovery=tuple(
            (tool, _recovery(document, f"{pointer}/recovery", tool, one))
            for tool, one in (found.recovery or {}).items()
        ),
        timeout_s=found.timeout_s,
    )


def _check_url(document: Document, pointer: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise document.error(pointer, f"is no URL: {error}") from error
    if not known:
        raise document.error(pointer, "must be an http or https URL")
    if "@" in parts.netloc:
        raise document.error(pointer, "must not hold a user name or a password")


def _recovery(document: Document, pointer: str, tool: str, told: str) -> Recovery:
    if told not in RECOVERIES:
        raise document.error(pointer + pointer_to(tool), f"{told!r} is not one of {', '.join(RECOVERIES)}")
    return Recovery(told)
