"""A run's events as a stream of server-sent events, read from the ledger and nowhere else.

The past and the present come from the same log, so there is no seam between them to lose or to repeat an
event at. The ledger wakes the stream; it holds no queue, so a slow client costs a page of memory.
"""

from __future__ import annotations

import logging
from contextlib import suppress

import anyio
import anyio.lowlevel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orket.domain.errors import StoreError
from orket.domain.events import Recorded, RunFinished
from orket.domain.identifiers import RunId
from orket.domain.ports import LedgerReader
from orket.interfaces.limits import HttpLimits
from orket.interfaces.streams import Streams
from orket.wire.codec import encode
from orket.wire.views import event_view

SSE_TYPE = "text/event-stream"
CHUNK_BYTES = 64 * 1024
_HEADERS = {"content-type": SSE_TYPE, "cache-control": "no-store", "x-accel-buffering": "no"}
_LOG = logging.getLogger(__name__)
_FIRST = b"retry: 1000\n\n"
_HEARTBEAT = b": still here\n\n"


class EventStream(Response):
    """The events of a run after sequence ``after``, up to its end.

    It ends early when the client leaves, takes nothing for too long, or the server stops; the client comes
    back with the newest ``id`` it has.

    Args:
        ledger: Where events are read and waited for.
        run_id: The run.
        after: The sequence number to begin after.
        streams: The open streams, of which this becomes one.
        limits: Heartbeat, patience and page size.
        over: Whether the run has ended already.
    """

    def __init__(
        self,
        ledger: LedgerReader,
        run_id: RunId,
        after: int,
        streams: Streams,
        limits: HttpLimits,
        *,
        over: bool,
    ) -> None:
        # Not the base class's: it would announce a length.
        self.status_code, self.background = 200, None
        self.init_headers(_HEADERS)
        self._ledger, self._run_id, self._after = ledger, run_id, after
        self._streams, self._limits, self._over = streams, limits, over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client."""
        with self._streams.admitted():
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            line = _Line(send, self._limits.send_stall_s)
            if scope["method"] != "HEAD":
                await self._follow(receive, line)
        if line.broken:
            return  # without an end of the body the server drops the connection
        # Reached at the end of the run and at the end of the server; a client that left does not mind.
        with suppress(OSError), anyio.move_on_after(self._limits.send_stall_s):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(self, receive: Receive, line: _Line) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._until_gone, receive, group.cancel_scope)
            try:
                with suppress(OSError):
                    await self._pump(line)
            except StoreError as error:
                # The client comes back and is told then; in the middle of a stream nobody can be told.
                _LOG.warning("the event stream of run %s ended: %s", self._run_id, error.detail)
            group.cancel_scope.cancel()

    async def _until_gone(self, receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async def _pump(self, line: _Line) -> None:
        await line.send(_FIRST)
        newest = 0
        while True:
            page = await self._ledger.read(self._run_id, after=self._after, limit=self._limits.stream_page)
            await self._send_page(page, line)
            if len(page) == self._limits.stream_page:
                continue
            if self._over:
                return
            newest = await self._newer(max(newest, self._after), line)

    async def _send_page(self, page: tuple[Recorded, ...], line: _Line) -> None:
        chunk: list[bytes] = []
        size = 0
        for one in page:
            chunk.append(b"id: %d\ndata: %b\n\n" % (one.seq, encode(event_view(one))))
            size += len(chunk[-1])
            self._after = one.seq
            self._over = self._over or isinstance(one.event, RunFinished)
            if size >= CHUNK_BYTES:
                await line.send(b"".join(chunk))
                chunk, size = [], 0
        if chunk:
            await line.send(b"".join(chunk))

    async def _newer(self, newest: int, line: _Line) -> int:
        """Wait until the ledger is beyond ``newest``, with a sign of life now and then."""
        while True:
            with anyio.move_on_after(self._limits.heartbeat_s):
                return await self._ledger.wait(newest)
            await line.send(_HEARTBEAT)


class _Line:
    """The way to the client.

    Args:
        send: The server's.
        stall_s: How long a chunk may take.
    """

    def __init__(self, send: Send, stall_s: float) -> None:
        self._send, self._stall_s = send, stall_s
        self.broken = False

    async def send(self, chunk: bytes) -> None:
        """Send a chunk; others get a turn, even if the server takes it at once."""
        with anyio.move_on_after(self._stall_s):
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            await anyio.lowlevel.checkpoint()
            return
        self.broken = True
        raise BrokenPipeError("the client takes nothing any more")
