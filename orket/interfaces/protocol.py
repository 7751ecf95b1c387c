"""uvicorn's protocols, with the bounds that they lack and fewer calls of the system.

By themselves they would read a head of any length, write head and body apart, and begin as many requests in
one step as have come.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from orket.interfaces.corked import corked
from orket.interfaces.turns import Turns

# Where the server gives up on a request's head; the bridge refuses smaller ones in better words.
HEAD_BYTES = 128 * 1024
# In the ASGI scope of a request whose body is all there: reading it takes no time that needs a bound.
ARRIVED = "orket.arrived"


class BoundedHttp(HttpToolsProtocol):
    """Hangs up on whoever sends a head, a trailer or the line before a chunk that does not end.

    Args:
        turns: Says which request is begun next, of all connections of a server.
        given, named: As uvicorn gives them.
    """

    # How much has come of something that the parser has said nothing of yet.
    _unsaid_bytes = 0
    _in_head = False

    def __init__(self, turns: Turns, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._turns = turns

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        super().connection_made(corked(transport, self.loop))

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        self._unsaid_bytes += len(data)
        super().data_received(data)
        if self._unsaid_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body are nobody's concern."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to serve the request."""
        self._in_head, self._unsaid_bytes = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unsaid_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._unsaid_bytes = 0
        self.scope[ARRIVED] = True  # type: ignore[literal-required]  # a key of ours
        super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if self._turns.is_free(self.loop):
            super()._start_asgi_task(cycle, app)
        else:
            self._turns.wait(cycle.scope, partial(super()._start_asgi_task, cycle, app))


class CorkedSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which would write each frame by itself, and log a refusal as the app's fault."""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        super().connection_made(corked(transport, self.loop))

    async def send(self, message: Any) -> None:
        """Send a message of the app's."""
        await super().send(message)
        if self.close_sent:  # also by an answer that refuses the WebSocket: nothing is left to be done
            self.handshake_complete = True


def bounded_http(urgent: Callable[[Scope], bool]) -> Any:
    """Make what makes the protocols of one server; ``urgent`` says which requests go first."""
    return partial(BoundedHttp, Turns(urgent))
