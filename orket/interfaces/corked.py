"""WebSockets that write what they send in one step of the event loop together."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Cork:
    """A transport whose writes of one step go out as one: each would be a call of the system.

    What is held is bounded by what its owner writes before it lets others have a turn.
    """

    def __init__(self, transport: Any, loop: AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send this with what else is written in this step."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """Close, once all that was written is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))


class CorkedSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, corked."""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        super().connection_made(Cork(transport, self.loop))  # type: ignore[arg-type]  # a transport to its owner
