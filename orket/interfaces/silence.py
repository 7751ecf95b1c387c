"""Connections on which no request comes: the server would wait for them without an end.

Who opens connections and says nothing, or half of a request's head, would otherwise hold all there may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import anyio
import attrs


@attrs.define
class Silence:
    """Remembers since when each connection has been silent.

    Args:
        allowed_s: How long one may be silent, in seconds.
    """

    allowed_s: float
    _since: dict[Any, float] = attrs.field(factory=dict)

    def overdue(self, connections: Iterable[Any], now: float) -> list[Any]:
        """Name the connections that have been silent for too long; they are looked at now and then."""
        silent = [one for one in connections if _is_silent(one)]
        self._since = {one: self._since.get(one, now) for one in silent}
        return [one for one, since in self._since.items() if now - since > self.allowed_s]


async def hang_up(connections: Callable[[], Iterable[Any]], allowed_s: float) -> None:
    """Close silent connections, for as long as the server runs."""
    silence = Silence(allowed_s)
    while True:
        await anyio.sleep(allowed_s / 2)
        for one in silence.overdue(tuple(connections()), anyio.current_time()):
            one.transport.abort()


def _is_silent(connection: Any) -> bool:
    """Whether no request is under way, and the server's own clock for kept-alive connections does not run."""
    cycle = getattr(connection, "cycle", connection)
    if cycle is connection:
        return False  # no HTTP: a WebSocket, which has pings
    between = cycle is None or cycle.response_complete
    return between and getattr(connection, "timeout_keep_alive_task", None) is None
