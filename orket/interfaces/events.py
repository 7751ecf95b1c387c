"""A run's events as a stream of server-sent events, read from the ledger and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import anyio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from orket.domain.events import Recorded
from orket.domain.pieces import Piece
from orket.interfaces.streams import Streams
from orket.interfaces.tail import Line, Tail
from orket.wire.codec import encode
from orket.wire.views import event_view, piece_view

SSE_TYPE = "text/event-stream"
CHUNK_BYTES = 64 * 1024
_RAW_HEADERS = [
    (b"content-type", SSE_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_FIRST = b"retry: 1000\n\n"
_HEARTBEAT = b": still here\n\n"


class EventStream(Response):
    """The events of a run, up to its end.

    It ends early when the client leaves, takes nothing for too long, or the server stops; the client comes
    back with the newest ``id`` it has.

    Args:
        tail: The events.
        streams: The open streams, of which this becomes one.
    """

    def __init__(self, tail: Tail, streams: Streams) -> None:
        # Not the base class's: it would announce a length.
        self.status_code, self.background, self.raw_headers = 200, None, _RAW_HEADERS
        self._tail, self._streams = tail, streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client."""
        stall_s = self._tail.limits.send_stall_s
        line = Line(send, stall_s)
        self._streams.admit()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _RAW_HEADERS})
            if scope["method"] != "HEAD":
                with suppress(OSError):
                    await line.send(_piece(_FIRST))
                    await self._tail.follow(_Sse(line), receive, self._streams)
        finally:
            self._streams.release()
        if line.broken:
            return  # without an end of the body the server drops the connection
        # Reached at the end of the run and at the end of the server; a client that left does not mind.
        with suppress(OSError), anyio.move_on_after(stall_s):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Sse:
    """Tells events in the format of server-sent events; see ``tail.Told``."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def events(self, page: Sequence[Recorded]) -> None:
        """Send a page in pieces of a bounded size."""
        await self._send(b"id: %d\ndata: %b\n\n" % (one.seq, encode(event_view(one))) for one in page)

    async def pieces(self, pieces: Sequence[Piece]) -> None:
        """Send pieces as events of their own kind, without an ``id``: what a client resumes from stays."""
        await self._send(b"event: piece\ndata: %b\n\n" % encode(piece_view(one)) for one in pieces)

    async def _send(self, told: Iterable[bytes]) -> None:
        chunk: list[bytes] = []
        size = 0
        for one in told:
            chunk.append(one)
            size += len(chunk[-1])
            if size >= CHUNK_BYTES:
                await self._line.send(_piece(b"".join(chunk)))
                chunk, size = [], 0
        if chunk:
            await self._line.send(_piece(b"".join(chunk)))

    async def alive(self) -> None:
        """Send a comment."""
        await self._line.send(_piece(_HEARTBEAT))


def _piece(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}
