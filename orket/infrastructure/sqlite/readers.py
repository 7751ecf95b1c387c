"""A small pool of read-only connections, used in worker threads."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from orket.domain.errors import StoreError
from orket.infrastructure.sqlite.connections import READER_CACHE_KIB, connect_reader, store_errors

READERS_MAX = 4

T = TypeVar("T")


class Readers:
    """Runs questions on read-only connections, at most ``READERS_MAX`` at a time; bound to one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limiter = anyio.CapacityLimiter(READERS_MAX)
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``question`` in a worker thread; a question that has begun is not cut short.

        Raises:
            StoreError: The database cannot be read, or the ledger is closed.
        """
        if self._closed:
            raise StoreError("the ledger is closed")
        return await anyio.to_thread.run_sync(self._ask, question, limiter=self._limiter)

    async def close(self) -> None:
        """Close the connections, once running questions have ended."""
        self._closed = True
        await anyio.to_thread.run_sync(self._close, limiter=self._limiter)

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with store_errors(self._path):
            connection = self._idle.pop() if self._idle else self._connect()
            try:
                return question(connection)
            finally:
                self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = connect_reader(self._path)
        try:
            connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        while self._idle:
            self._idle.pop().close()
