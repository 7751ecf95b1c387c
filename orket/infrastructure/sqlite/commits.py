"""Natural-batch group commit: what is asked for while a commit runs shares the next one.

One thread owns the writing. It is a thread of its own, not a borrowed one, so that no way of cancelling a
caller (a cancel scope, ``Task.cancel``, a timeout) can touch a commit that others wait for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import attrs

from orket.domain.errors import StoreError
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.infrastructure.newest import Newest
from orket.infrastructure.sqlite.group import Append, Outcome
from orket.infrastructure.sqlite.store import Store
from orket.infrastructure.sqlite.tail import Tail

WAITING_MAX = 1024
BATCH_MAX = 256


@attrs.define(eq=False)
class Batch:
    """Appends that will share a commit, and are told of it together."""

    appends: list[Append] = attrs.field(factory=list)
    done: anyio.Event = attrs.field(factory=anyio.Event)


class Commits:
    """The queue in front of the store, and the thread that empties it; bound to one event loop."""

    def __init__(self, store: Store) -> None:
        self.newest = Newest(store.seq)
        self._tail = Tail(store.seq)
        self._store = store
        self._room = anyio.Semaphore(WAITING_MAX)
        self._waiting: deque[Batch] = deque()
        self._changed = Condition()
        self._closed = False
        self._ended = anyio.Event()
        self._tell, self._soon = _callers(anyio.lowlevel.current_token())
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
        try:
            self._room.acquire_nowait()
        except anyio.WouldBlock:
            await self._room.acquire()
        try:
            batch = self._join(append)
            try:
                await batch.done.wait()
            finally:
                if append.outcome is None:
                    self._withdraw(batch, append)
        finally:
            self._room.release()
        if append.outcome is None:
            raise StoreError("the ledger's writer has failed; nothing is known of this append")
        return append.outcome

    def recent(self, run_id: RunId | None, after: int, limit: int) -> tuple[Recorded, ...] | None:
        """Answer as ``LedgerReader.read`` does, from memory; None when only the database can."""
        return None if self._closed else self._tail.read(run_id, after, limit)

    def run(self, run_id: RunId) -> RunSummary | None:
        """Find a run's line in memory; None when only the database can say."""
        return None if self._closed else self._store.remembered(run_id)

    def _join(self, append: Append) -> Batch:
        """Put an append into the batch that will be committed last of those that wait."""
        with self._changed:
            if self._closed:
                raise StoreError("the ledger is closed")
            if not self._waiting or len(self._waiting[-1].appends) >= BATCH_MAX:
                self._waiting.append(Batch())
                self._soon(self._wake)  # whoever else appends in this step of the event loop comes along
            batch = self._waiting[-1]
            batch.appends.append(append)
            return batch

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _withdraw(self, batch: Batch, append: Append) -> None:
        with self._changed:
            if batch in self._waiting:
                batch.appends.remove(append)
                if not batch.appends:
                    self._waiting.remove(batch)

    def _run(self) -> None:
        batch: Batch | None = None
        try:
            while batch := self._next_batch():
                outcomes = self._store.commit(batch.appends)
                self._tell(self._deliver, batch, outcomes, self._store.seq)
        finally:
            self._tell(self._end, batch)

    def _next_batch(self) -> Batch | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _deliver(self, batch: Batch, outcomes: Sequence[Outcome], seq: int) -> None:
        for append, outcome in zip(batch.appends, outcomes, strict=True):
            append.outcome = outcome
            if isinstance(outcome, tuple):
                self._tail.add(outcome, [len(body) for _, _, body in append.events])
        batch.done.set()
        if seq > self.newest.seq:
            self.newest.advance(seq, {append.run_id for append in batch.appends})

    def _end(self, unanswered: Batch | None) -> None:
        """Answer whoever still waits: nobody after an orderly end, everybody after a fault of our own."""
        self._closed = True
        for batch in (*([unanswered] if unanswered else []), *self._waiting):
            batch.done.set()
        self.newest.close()
        self._ended.set()


def _callers(token: anyio.lowlevel.EventLoopToken) -> tuple[Callable[..., object], Callable[..., object]]:
    """Return how another thread, and how the event loop's own, has a function called by it soon.

    Neither waits. Waiting for the loop, as ``anyio.from_thread`` does, would leave the disk idle between two
    commits.
    """
    native: Any = token.native_token  # asyncio's loop or trio's token; neither is imported for this
    if hasattr(native, "call_soon_threadsafe"):
        return native.call_soon_threadsafe, native.call_soon
    return native.run_sync_soon, native.run_sync_soon
