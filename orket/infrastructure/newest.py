"""The newest sequence number of a ledger, and waiting for a newer one."""

from __future__ import annotations

import anyio

from orket.domain.errors import StoreError


class Newest:
    """The newest committed sequence number; changes and waits happen in the event loop's own thread.

    Looking and starting to wait is one step there, so no commit can slip in between unseen. All who wait
    share one event: a thousand watchers of a quiet ledger cost little.
    """

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._closed = False
        self._moved: anyio.Event | None = None

    def advance(self, seq: int) -> None:
        """Move on to ``seq`` and wake everyone who waits."""
        self.seq = max(self.seq, seq)
        self._wake()

    def close(self) -> None:
        """End all waits; there will be no more commits."""
        self._closed = True
        self._wake()

    async def wait(self, after: int) -> int:
        """Return the newest sequence number once it is above ``after``.

        Raises:
            StoreError: The ledger was closed.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        while self.seq <= after:
            if self._closed:
                raise StoreError("the ledger is closed")
            if self._moved is None:
                self._moved = anyio.Event()
            await self._moved.wait()
        return self.seq

    def _wake(self) -> None:
        moved, self._moved = self._moved, None
        if moved is not None:
            moved.set()
