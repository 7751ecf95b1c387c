"""The event streams that are open."""

from __future__ import annotations

import anyio

from orket.interfaces.problems import NOT_RUNNING, STREAMS, HttpRefusal


class Streams:
    """The open event streams: bounded in number, and ended all at once when the server stops.

    Args:
        limit: How many may be open at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._count = limit, 0
        self._scopes: set[anyio.CancelScope] = set()
        self._closed = False

    def __len__(self) -> int:
        return self._count

    def admit(self) -> None:
        """Be one more; whoever was admitted has to ``release``.

        Raises:
            HttpRefusal: Too many are open, or the server is stopping.
        """
        if self._closed:
            raise HttpRefusal(NOT_RUNNING, "The server is stopping.")
        if self._count >= self._limit:
            raise HttpRefusal(STREAMS, f"{self._limit} streams are open.", headers={"retry-after": "5"})
        self._count += 1

    def release(self) -> None:
        """A stream is over."""
        self._count -= 1

    def enter(self, scope: anyio.CancelScope) -> None:
        """Have a scope cancelled when the streams are closed, until it ``leave``s."""
        self._scopes.add(scope)
        if self._closed:
            scope.cancel()

    def leave(self, scope: anyio.CancelScope) -> None:
        """A scope is over."""
        self._scopes.discard(scope)

    def close(self) -> None:
        """End all streams and admit no more."""
        self._closed = True
        for scope in self._scopes:
            scope.cancel()
