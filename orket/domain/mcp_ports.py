"""The way to MCP servers, as the engine sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from orket.domain.mcp import McpAnswer, McpServer, McpTool
from orket.domain.sandboxes import Command, CommandResult


class McpLink(Protocol):
    """An open session with an MCP server; it may be asked for several things at a time."""

    async def tools(self) -> tuple[McpTool, ...]:
        """List what the server offers now.

        Raises:
            McpError: It does not say, or says too much; nothing acted.
        """
        ...

    async def call(self, tool: str, arguments: Mapping[str, object]) -> McpAnswer:
        """Call a tool, by the server's name for it. Cancelling tells the server so.

        Raises:
            McpError: The server refuses the call; nothing acted.
            McpLost: The server is gone, or its answer cannot be read; it may have acted.
        """
        ...

    def stale(self) -> bool:
        """Whether the server said that its tools have changed since they were listed."""
        ...


class McpConnector(Protocol):
    """The way to MCP servers."""

    async def visit(
        self,
        server: McpServer,
        start: Callable[[Command], Awaitable[CommandResult]],
        use: Callable[[McpLink], Awaitable[None]],
    ) -> None:
        """Open a session, use it, end it, with ``use`` or with the server; cancelling ends it likewise.

        Args:
            server: Which.
            start: Runs a server that is a command, to its end; it may raise ``SandboxError``.
            use: What to do with the session; it raises nothing, and is cut off when the server ends.

        Raises:
            McpError: There is no such server, it does not speak the protocol, or it has ended.
        """
        ...

    def problem(self, schema_json: str, arguments: Mapping[str, object]) -> str:
        """Say why arguments do not fit a server's schema, with a JSON pointer; empty when they do."""
        ...
