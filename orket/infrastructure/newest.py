"""The newest sequence number of a ledger, and waiting for a newer one."""

from __future__ import annotations

import anyio

from orket.domain.errors import StoreError


class Newest:
    """The newest committed sequence number; changes and waits happen in the event loop's own thread.

    Looking and starting to wait is one step there, so no commit can slip in between unseen.
    """

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._closed = False
        self._waiting: set[anyio.Event] = set()

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
            woken = anyio.Event()
            self._waiting.add(woken)
            try:
                await woken.wait()
            finally:
                self._waiting.discard(woken)
        return self.seq

    def _wake(self) -> None:
        for one in self._waiting:
            one.set()
        self._waiting.clear()
