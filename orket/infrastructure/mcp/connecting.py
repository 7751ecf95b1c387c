"""Sessions with MCP servers, by the official SDK: the adapter of ``McpConnector``."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import anyio
import httpx2
import jsonschema
import mcp_types as types
import referencing
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

import orket
from orket.domain.errors import McpError, McpLost
from orket.domain.mcp import TOOLS_MAX, McpAnswer, McpServer, McpTool, described
from orket.domain.mcp_ports import McpLink
from orket.domain.sandboxes import Command, Limits
from orket.domain.text import cleaned
from orket.infrastructure.mcp.http import make_client
from orket.infrastructure.mcp.talk import Over, Start, Streams, talking
from orket.infrastructure.models.names import is_private, origin

START_S = 60.0
SESSION_S = 24 * 3_600.0
CPU_S = 3_600
PAGES_MAX = 16
REASON_CHARS_MAX = 600
PROBLEMS_MAX = 5

# These say that a call was not understood; any other error is what came of it.
_NOT_UNDERSTOOD = frozenset({types.INVALID_REQUEST, types.METHOD_NOT_FOUND, types.INVALID_PARAMS})
_BREAKDOWNS = (
    MCPError,
    httpx2.HTTPError,
    OSError,
    RuntimeError,
    ValueError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)


class SdkConnector:
    """Opens sessions with the SDK; see the port.

    Args:
        limits: The bounds of a server that is a command, but for its time: that of a session is a day, with
            an hour of CPU.
        start_s: How long a server may take until it has introduced itself.
        keys: Bearer tokens by the URL of the server that they open. One belongs to scheme, host and port, and
            is not sent where others could read it on its way.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        start_s: float = START_S,
        keys: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._limits, self._start_s = limits or Limits(), start_s
        self._keys = {origin(url): key for url, key in keys.items()}

    async def visit(self, server: McpServer, start: Start, use: Callable[[McpLink], Awaitable[None]]) -> None:
        """Open a session, use it, end it; see the port."""
        over, problems = Over(), list[str]()
        opening = anyio.CancelScope(deadline=anyio.current_time() + self._start_s)
        try:
            with opening:
                await self._visit(server, start, use, over, opening)
        except* _BREAKDOWNS as group:
            problems += [_words(one) for one in _leaves(group)]
        if opening.cancelled_caught and not over.event.is_set():
            over.because(f"it has not introduced itself within {self._start_s:g} s")
        if over.reason or problems:
            raise McpError(f"MCP server {server.name}: {over.reason or problems[0]}")

    async def _visit(
        self,
        server: McpServer,
        start: Start,
        use: Callable[[McpLink], Awaitable[None]],
        over: Over,
        opening: anyio.CancelScope,
    ) -> None:
        link = _Link(server.name, over)
        client = Client(
            self._transport(server, start, over),
            cache=None,
            client_info=types.Implementation(name="orket", version=orket.__version__),
            message_handler=link.notice,
        )
        async with anyio.create_task_group() as group:
            group.start_soon(_end_with, over, group.cancel_scope)
            async with client:
                opening.deadline = math.inf
                link.client = client
                await use(link)
            group.cancel_scope.cancel()

    @asynccontextmanager
    async def _transport(self, server: McpServer, start: Start, over: Over) -> AsyncIterator[Streams]:
        async with AsyncExitStack() as held:
            if server.url:
                http = await held.enter_async_context(make_client(self._key(server)))
                streams = await held.enter_async_context(streamable_http_client(server.url, http_client=http))
            else:
                streams = await held.enter_async_context(talking(start, self._command(server), over))
            yield streams

    def _key(self, server: McpServer) -> str:
        key = self._keys.get(origin(server.url), "")
        if key and not is_private(server.url):
            raise ValueError("its key would be readable on the way; use https")
        return key

    def _command(self, server: McpServer) -> Command:
        bounds = self._limits
        limits = Limits(
            wall_s=SESSION_S,
            cpu_s=max(CPU_S, bounds.cpu_s),
            output_bytes=bounds.output_bytes,
            file_bytes=bounds.file_bytes,
            memory_bytes=bounds.memory_bytes,
            open_files=bounds.open_files,
            processes=bounds.processes,
        )
        return Command(argv=server.command, limits=limits)

    def problem(self, schema_json: str, arguments: Mapping[str, object]) -> str:
        """Check arguments against the whole schema; see the port."""
        validator = _validator(schema_json)
        if isinstance(validator, str):
            return validator
        try:
            found = [
                f"{_pointer(one.absolute_path)}: {cleaned(one.message, REASON_CHARS_MAX)}"
                for _, one in zip(range(PROBLEMS_MAX), validator.iter_errors(dict(arguments)), strict=False)
            ]
        except (referencing.exceptions.Unresolvable, RecursionError) as error:
            return f"the server's schema cannot be followed: {cleaned(str(error), REASON_CHARS_MAX)}"
        return "; ".join(found)


class _Link:
    """An open session."""

    client: Any

    def __init__(self, server: str, over: Over) -> None:
        self._server, self._over, self._stale = server, over, False

    async def notice(self, message: object) -> None:
        """Take a notification, or what is none of the protocol's."""
        if isinstance(message, types.ToolListChangedNotification):
            self._stale = True

    def stale(self) -> bool:
        """Whether the server said that its tools have changed since they were listed."""
        return self._stale

    async def tools(self) -> tuple[McpTool, ...]:
        """List what the server offers now; see the port."""
        found: list[McpTool] = []
        cursor: str | None = None
        self._stale = False
        for _ in range(PAGES_MAX):
            try:
                page = await self.client.list_tools(cursor=cursor)
            except _BREAKDOWNS as error:
                raise McpError(
                    f"MCP server {self._server} does not list its tools: {_words(error)}"
                ) from error
            found += [_described(one) for one in page.tools]
            cursor = page.next_cursor
            if cursor is None or len(found) > TOOLS_MAX:
                break
        if cursor is not None or len(found) > TOOLS_MAX:
            raise McpError(f"MCP server {self._server} has more than {TOOLS_MAX} tools")
        return tuple(found)

    async def call(self, tool: str, arguments: Mapping[str, object]) -> McpAnswer:
        """Call a tool; see the port."""
        place = f"MCP server {self._server}"
        try:
            told = await self.client.call_tool(tool, dict(arguments))
        except MCPError as error:
            if error.code in _NOT_UNDERSTOOD:
                raise McpError(f"{place} refuses: {_words(error)}") from error
            if error.code == types.CONNECTION_CLOSED or self._over.event.is_set():
                raise McpLost(f"{place} was lost: {self._over.reason or _words(error)}") from error
            return McpAnswer(text=_words(error), failed=True)
        except RuntimeError as error:  # an answer that breaks its own schema, or that asks a person
            return McpAnswer(text=f"an answer that cannot be used: {_words(error)}", failed=True)
        except _BREAKDOWNS as error:
            raise McpLost(f"{place} was lost: {self._over.reason or _words(error)}") from error
        return McpAnswer(text=_text(told), failed=bool(told.is_error))


async def _end_with(over: Over, scope: anyio.CancelScope) -> None:
    await over.event.wait()
    scope.cancel()


def _described(tool: Any) -> McpTool:
    hints = tool.annotations
    return described(
        tool.name,
        tool.description or "",
        tool.input_schema,
        read_only=bool(hints and hints.read_only_hint),
        idempotent=bool(hints and hints.idempotent_hint),
    )


def _text(told: Any) -> str:
    """Write an answer as text: what is no text is named, not shown."""
    parts = [_part(one) for one in told.content]
    if not any(parts) and told.structured_content is not None:
        return json.dumps(told.structured_content, ensure_ascii=False)
    return "\n".join(parts)


def _part(block: Any) -> str:
    match block:
        case types.TextContent():
            return str(block.text)
        case types.ImageContent() | types.AudioContent():
            return f"[{block.type} {block.mime_type}, {len(block.data)} characters of base64, left out]"
        case types.ResourceLink():
            return f"[resource {block.uri}]"
        case types.EmbeddedResource():
            text = getattr(block.resource, "text", None)
            return f"[resource {block.resource.uri}]" if text is None else str(text)
        case _:
            return "[something of an unknown kind, left out]"


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one


def _words(error: BaseException) -> str:
    return cleaned(str(error), REASON_CHARS_MAX) or type(error).__name__


def _pointer(path: Any) -> str:
    return "".join(f"/{str(one).replace('~', '~0').replace('/', '~1')}" for one in path) or "(all)"


def _unchecked(*_: object) -> Iterator[Any]:
    """A pattern of a stranger may take forever; the server checks its own."""
    return iter(())


@lru_cache(256)
def _validator(schema_json: str) -> Any:
    """Make the validator of a schema, or say why there is none. It fetches nothing and tries no patterns."""
    schema = json.loads(schema_json)
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        return f"the server's schema is not valid: {cleaned(error.message, REASON_CHARS_MAX)}"
    untried = ["pattern", "patternProperties", "propertyNames"]
    if '"patternProperties"' in schema_json:  # these would try its patterns
        untried += ["additionalProperties", "unevaluatedProperties"]
    checked = jsonschema.validators.extend(kind, dict.fromkeys(untried, _unchecked))
    return checked(schema, registry=referencing.Registry())
