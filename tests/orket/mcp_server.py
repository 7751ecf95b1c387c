"""An MCP server for tests, written with the SDK: it keeps notes in the workspace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("notes")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def read_note(name: str, lines: int | None = None) -> str:
    """Read a note of the workspace."""
    text = Path(f"{name}.txt").read_text(encoding="utf-8")
    return text if lines is None else "\n".join(text.splitlines()[:lines])


@server.tool(annotations=ToolAnnotations(idempotent_hint=True))
def write_note(name: str, text: str) -> str:
    """Write a note into the workspace."""
    Path(f"{name}.txt").write_text(text, encoding="utf-8")
    return f"{len(text)} characters"


def locked(port: int, token: str) -> None:
    """Serve those who bring the token, and nobody else."""
    import uvicorn

    app = server.streamable_http_app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] != "http" or headers.get(b"authorization") == f"Bearer {token}".encode():
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    uvicorn.run(guarded, host="127.0.0.1", port=port)


if __name__ == "__main__":
    if sys.argv[2:]:
        locked(int(sys.argv[1]), sys.argv[2])
    elif sys.argv[1:]:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
