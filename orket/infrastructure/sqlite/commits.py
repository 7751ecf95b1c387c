"""Natural-batch group commit: what is asked for while a commit runs shares the next one.

One thread owns the writing. It is a thread of its own, not a borrowed one, so that no way of cancelling a
caller (a cancel scope, ``Task.cancel``, a timeout) can touch a commit that others wait for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Condition, Thread

import anyio
import anyio.from_thread
import anyio.lowlevel

from orket.domain.errors import StoreError
from orket.infrastructure.newest import Newest
from orket.infrastructure.sqlite.store import Append, Outcome, Store

WAITING_MAX = 1024
BATCH_MAX = 256


class Commits:
    """The queue in front of the store, and the thread that empties it; bound to one event loop."""

    def __init__(self, store: Store) -> None:
        self.newest = Newest(store.seq)
        self._store = store
        self._room = anyio.Semaphore(WAITING_MAX, fast_acquire=True)
        self._waiting: deque[Append] = deque()
        self._changed = Condition()
        self._closed = False
        self._ended = anyio.Event()
        self._loop = anyio.lowlevel.current_token()
        self._thread = Thread(target=self._run, name="orket-ledger", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def close(self) -> None:
        """Refuse further appends, record those that wait, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        await self._ended.wait()
        await anyio.to_thread.run_sync(self._thread.join)

    async def append(self, append: Append) -> Outcome:
        """Have an append recorded and return what came of it.

        When cancelled, an append that still waits is withdrawn; one whose commit has begun is recorded whole.

        Raises:
            StoreError: The ledger is closed.
        """
        async with self._room:
            with self._changed:
                if self._closed:
                    raise StoreError("the ledger is closed")
                self._waiting.append(append)
                self._changed.notify()
            try:
                await append.done.wait()
            finally:
                if append.outcome is None:
                    self._withdraw(append)
        if append.outcome is None:
            raise StoreError("the ledger's writer has failed; nothing is known of this append")
        return append.outcome

    def _withdraw(self, append: Append) -> None:
        with self._changed:
            if append in self._waiting:
                self._waiting.remove(append)

    def _run(self) -> None:
        batch: list[Append] = []
        try:
            while batch := self._next_batch():
                outcomes = self._store.commit(batch)
                anyio.from_thread.run_sync(self._deliver, batch, outcomes, self._store.seq, token=self._loop)
        finally:
            anyio.from_thread.run_sync(self._end, batch, token=self._loop)

    def _next_batch(self) -> list[Append]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]

    def _deliver(self, batch: Sequence[Append], outcomes: Sequence[Outcome], seq: int) -> None:
        for append, outcome in zip(batch, outcomes, strict=True):
            append.outcome = outcome
            append.done.set()
        if seq > self.newest.seq:
            self.newest.advance(seq)

    def _end(self, unanswered: Sequence[Append]) -> None:
        """Answer whoever still waits: nobody after an orderly end, everybody after a fault of our own."""
        self._closed = True
        for append in (*unanswered, *self._waiting):
            append.done.set()
        self.newest.close()
        self._ended.set()
