"""The newest sequence number of a ledger, and waiting for a newer one."""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from orket.domain.errors import StoreError
from orket.domain.identifiers import RunId


class Newest:
    """The newest committed sequence number; changes and waits happen in the event loop's own thread.

    Looking and starting to wait is one step there, so no commit can slip in between unseen. All who wait
    for the same share one event: a thousand watchers of quiet runs cost little, however busy another run is.
    """

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._closed = False
        self._moved: dict[RunId | None, anyio.Event] = {}

    def advance(self, seq: int, runs: Iterable[RunId]) -> None:
        """Move on to ``seq``, and wake those who wait for any event or for one of these runs."""
        self.seq = max(self.seq, seq)
        for one in (None, *runs):
            if (moved := self._moved.pop(one, None)) is not None:
                moved.set()

    def close(self) -> None:
        """End all waits; there will be no more commits."""
        self._closed = True
        for moved in self._moved.values():
            moved.set()
        self._moved.clear()

    async def wait(self, after: int, run_id: RunId | None = None) -> int:
        """Return the newest sequence number once it is above ``after``.

        Whoever names a run waits, if it has to wait at all, for an event of that run.

        Raises:
            StoreError: The ledger was closed.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        while self.seq <= after:
            if self._closed:
                raise StoreError("the ledger is closed")
            moved = self._moved.get(run_id)
            if moved is None:
                moved = self._moved[run_id] = anyio.Event()
            await moved.wait()
        return self.seq
