"""A client that speaks ASGI by hand: it reads as slowly, and leaves as early, as a test wants."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import attrs
from starlette.types import ASGIApp, Message


@attrs.define
class Visit:
    """One request under way; ``read`` takes what the app sends, message by message."""

    status: int
    headers: dict[str, str]
    leave: anyio.Event
    _sent: anyio.streams.memory.MemoryObjectReceiveStream[Message]
    _more: bool = True

    async def chunk(self) -> bytes:
        """The next piece of the body, empty at its end."""
        if not self._more:
            return b""
        message = await self._sent.receive()
        body: bytes = message["body"]
        self._more = message.get("more_body", False)
        assert body or not self._more
        return body

    async def rest(self) -> bytes:
        """All that is still to come."""
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        return b"".join(pieces)


@asynccontextmanager
async def visit(
    app: ASGIApp,
    path: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: Iterator[bytes] | None = None,
    content: bytes = b"",
    leave: anyio.Event | None = None,
    slow: bool = False,
    server: tuple[str, int | None] | None = ("127.0.0.1", 80),
) -> AsyncIterator[Visit]:
    """Open a request; leaving the block, or setting ``leave``, is leaving as a client.

    A ``body`` is sent piece by piece, and after the last one the client falls silent; ``content`` is whole.
    With ``slow`` the app's sends wait until they are read.
    """
    send, sent = anyio.create_memory_object_stream[Message](0 if slow else math.inf)
    leaving = leave or anyio.Event()
    target, _, query = path.partition("?")
    given = {"host": "127.0.0.1", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "server": server,
        "client": None,
        "root_path": "",
    }
    pieces = iter([content]) if body is None else body

    async def receive() -> Message:
        if (piece := next(pieces, None)) is not None:
            return {"type": "http.request", "body": piece, "more_body": body is not None}
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def serve() -> None:
        async with send:
            await app(scope, receive, send.send)

    async with anyio.create_task_group() as group, sent:
        group.start_soon(serve)
        start = await sent.receive()
        found = {name.decode(): value.decode() for name, value in start["headers"]}
        yield Visit(start["status"], found, leaving, sent)
        leaving.set()
        async for _ in sent:
            pass
