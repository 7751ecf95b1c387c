"""The event streams that are open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from orket.interfaces.problems import NOT_RUNNING, STREAMS, HttpRefusal


class Streams:
    """The open event streams: bounded in number, and ended all at once when the server stops.

    Args:
        limit: How many may be open at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[anyio.CancelScope] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def admitted(self) -> Iterator[anyio.CancelScope]:
        """Be one of the open streams; the block is cancelled when they are closed.

        Raises:
            HttpRefusal: Too many are open, or the server is stopping.
        """
        if self._closed:
            raise HttpRefusal(NOT_RUNNING, "The server is stopping.")
        if len(self._open) >= self._limit:
            raise HttpRefusal(STREAMS, f"{self._limit} streams are open.", headers={"retry-after": "5"})
        with anyio.CancelScope() as scope:
            self._open.add(scope)
            try:
                yield scope
            finally:
                self._open.discard(scope)

    def close(self) -> None:
        """End all streams and admit no more."""
        self._closed = True
        for scope in self._open:
            scope.cancel()
