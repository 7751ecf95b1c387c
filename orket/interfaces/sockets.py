"""A run's events over a WebSocket: one event a text message, with the same cursor as the event stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

import anyio
from starlette.routing import WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from orket.domain.events import Recorded
from orket.domain.keys import Scope
from orket.domain.pieces import Piece
from orket.interfaces.admission import Lane
from orket.interfaces.bridge import Bridge
from orket.interfaces.events import CHUNK_BYTES
from orket.interfaces.routes.run_events import tail_of
from orket.interfaces.tail import Line
from orket.interfaces.visits import visit_of
from orket.wire.codec import encode
from orket.wire.views import event_view, piece_view

OVER, STOPPING = 1000, 1001
MESSAGES_MAX = 32
NAME = "followRunEvents"


def event_socket(bridge: Bridge) -> WebSocketRoute:
    """Serve a run's events at the path of its event stream, to those who ask for a WebSocket."""

    async def follow(socket: WebSocket) -> None:
        visit = visit_of(socket.scope)
        visit.operation = NAME
        bridge.admission.enter(visit.caller, Scope.READ, Lane.WORK)
        try:
            tail = await tail_of(bridge, socket)
        finally:
            bridge.admission.leave(Lane.WORK)
        line = Line(socket.send, bridge.limits.send_stall_s)
        bridge.streams.admit()
        try:
            await socket.accept()
            await tail.follow(_Frames(line), socket.receive, bridge.streams)
        finally:
            bridge.streams.release()
        if line.broken:
            return
        # The client may have left; closing a second time is an error of the framework's own.
        gone = suppress(OSError, RuntimeError, WebSocketDisconnect)
        with gone, anyio.move_on_after(bridge.limits.send_stall_s):
            await socket.close(OVER if tail.over else STOPPING)

    return WebSocketRoute("/v1/runs/{run_id}/events", follow, name=NAME)


class _Frames:
    """Tells events as text messages; see ``tail.Told``."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def events(self, page: Sequence[Recorded]) -> None:
        """Send each as a message."""
        await self._send(encode(event_view(one)) for one in page)

    async def pieces(self, pieces: Sequence[Piece]) -> None:
        """Send each as a message; its ``kind`` tells it from an event."""
        await self._send(encode(piece_view(one)) for one in pieces)

    async def _send(self, bodies: Iterable[bytes]) -> None:
        """Send each as a message: the first at once, then twice as many together each time, up to a bound.

        A turn of the event loop and a write for each would be most of what a message costs.
        """
        together: list[Message] = []
        size, at_once = 0, 1
        for body in bodies:
            together.append({"type": "websocket.send", "text": body.decode()})
            size += len(body)
            if size >= CHUNK_BYTES or len(together) >= at_once:
                await self._line.send(*together)
                together, size, at_once = [], 0, min(2 * at_once, MESSAGES_MAX)
        if together:
            await self._line.send(*together)

    async def alive(self) -> None:
        """Do nothing: the server sends pings."""
