"""Writing what is sent in one step of the event loop together: an answer's head and its body, or frames."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any

HELD_BYTES = 64 * 1024


class Cork:
    """A transport whose writes of one step go out as one: each would be a call of the system.

    Beyond ``HELD_BYTES`` they go out at once, so that whoever writes without a pause is told to wait.
    """

    def __init__(self, transport: Any, loop: AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []
        self._held_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send this with what else is written in this step."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HELD_BYTES:
            self._flush()

    def close(self) -> None:
        """Close, once all that was written is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held, self._held_bytes = self._held, [], 0
            self._transport.write(b"".join(held))


def corked(transport: Any, loop: AbstractEventLoop) -> Any:
    """Cork a transport that is not."""
    return transport if isinstance(transport, Cork) else Cork(transport, loop)
