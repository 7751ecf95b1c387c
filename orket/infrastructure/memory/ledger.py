"""The ledger port in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from itertools import islice

import anyio.lowlevel

from orket.domain.cards import Card
from orket.domain.errors import IdempotencyConflict, StoreError
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import BlobId, CardId, RunId, blob_id
from orket.domain.memory import Memory, query_words, ranked, words
from orket.domain.ports import Clock, CommandKey, RunSummary
from orket.domain.redaction import Redactor
from orket.domain.remembering import forgotten, remembered
from orket.domain.runs import FINAL_RUN
from orket.infrastructure.codec import encode_clean
from orket.infrastructure.newest import Newest
from orket.infrastructure.projection import PlacedCard, cards_touched, is_listed, project


class MemoryLedger:
    """Everything a ledger does except surviving; see ``orket.domain.ports.Ledger``."""

    def __init__(self, clock: Clock, redactor: Redactor | None = None) -> None:
        self._clock, self._redactor = clock, redactor or Redactor()
        self._newest = Newest(0)
        self._closed = False
        self._events: list[Recorded] = []
        self._memories: list[Memory] = []
        self._by_run: dict[RunId, list[Recorded]] = {}
        self._runs: dict[RunId, RunSummary] = {}
        self._cards: dict[RunId, dict[CardId, PlacedCard]] = {}
        self._blobs: dict[BlobId, bytes] = {}
        self._keys: dict[str, tuple[CommandKey, RunId]] = {}

    async def append(
        self,
        run_id: RunId,
        events: Sequence[Event],
        *,
        blobs: Sequence[bytes] = (),
        key: CommandKey | None = None,
    ) -> tuple[Recorded, ...]:
        """Record events, blobs and idempotency key, all or none.

        Raises:
            IdempotencyConflict: ``key`` is already used; nothing was recorded.
            StoreError: Nothing was recorded.
        """
        await anyio.lowlevel.checkpoint()
        if self._closed:
            raise StoreError("the ledger is closed")
        if key is not None and key.key in self._keys:
            raise IdempotencyConflict(f"idempotency key {key.key!r} is already used")
        at, first = self._clock.now().astimezone(UTC), len(self._events) + 1
        recorded = tuple(
            Recorded(seq=seq, at=at, run_id=run_id, event=encode_clean(one, self._redactor)[0])
            for seq, one in enumerate(events, start=first)
        )
        if recorded:
            self._project(run_id, recorded)
        self._events.extend(recorded)
        gone = set(forgotten(recorded))
        self._memories = [one for one in self._memories if one.seq not in gone] + remembered(recorded)
        self._by_run.setdefault(run_id, []).extend(recorded)
        self._blobs.update((blob_id(one), one) for one in map(self._redactor.blob, map(bytes, blobs)))
        if key is not None:
            self._keys[key.key] = key, run_id
        self._newest.advance(len(self._events), (run_id,))
        return recorded

    async def read(
        self, run_id: RunId | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Recorded, ...]:
        """Return up to ``limit`` events above ``after``, ascending, of one run or of all."""
        await anyio.lowlevel.checkpoint()
        events = self._events if run_id is None else self._by_run.get(run_id, [])
        start = bisect_right(events, after, key=lambda one: one.seq)
        return tuple(events[start : start + max(limit, 0)])

    async def wait(self, after: int, run_id: RunId | None = None) -> int:
        """Return the newest sequence number once it is above ``after``.

        Raises:
            StoreError: The ledger was closed.
        """
        return await self._newest.wait(after, run_id)

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None."""
        await anyio.lowlevel.checkpoint()
        return self._runs.get(run_id)

    async def runs(
        self, *, before: int | None = None, limit: int = 50, open_only: bool = False
    ) -> tuple[RunSummary, ...]:
        """List runs, newest first, in pages."""
        await anyio.lowlevel.checkpoint()
        found = (
            one
            for one in reversed(self._runs.values())
            if (before is None or one.accepted_seq < before) and not (open_only and one.status in FINAL_RUN)
        )
        return tuple(islice(found, max(limit, 0)))

    async def run_for_key(self, key: CommandKey) -> RunId | None:
        """Find the run that was started with an idempotency key.

        Raises:
            IdempotencyConflict: The key belongs to a command with another fingerprint.
        """
        await anyio.lowlevel.checkpoint()
        if (found := self._keys.get(key.key)) is None:
            return None
        known, run_id = found
        if known.fingerprint != key.fingerprint:
            raise IdempotencyConflict(f"idempotency key {key.key!r} was used for another command")
        return run_id

    async def cards(self, run_id: RunId | None = None) -> tuple[Card, ...]:
        """List cards as they stand, in the order they were added."""
        await anyio.lowlevel.checkpoint()
        if run_id is None:
            placed = [one for cards in self._cards.values() for one in cards.values()]
        else:
            placed = list(self._cards.get(run_id, {}).values())
        return tuple(one.card for one in sorted(placed, key=lambda one: one.added_seq))

    async def blob(self, blob: BlobId) -> bytes | None:
        """Return a blob's content, or None."""
        await anyio.lowlevel.checkpoint()
        return self._blobs.get(blob)

    async def recall(self, query: str, *, limit: int = 20) -> tuple[Memory, ...]:
        """Search what was remembered, the best first."""
        await anyio.lowlevel.checkpoint()
        wanted = query_words(query)
        held = [set(words(one.text)) for one in self._memories]
        holding = {word: sum(word in one for one in held) for word in wanted}
        return ranked(
            wanted, reversed(self._memories), texts=len(self._memories), holding=holding, limit=limit
        )

    def close(self) -> None:
        """Refuse further appends and end all waits."""
        self._closed = True
        self._newest.close()

    def _project(self, run_id: RunId, recorded: tuple[Recorded, ...]) -> None:
        if not is_listed(run_id, recorded):
            return
        cards = self._cards.get(run_id, {})
        touched = {key: cards[key] for key in cards_touched(one.event for one in recorded) if key in cards}
        summary, placed = project(run_id, self._runs.get(run_id), touched, recorded)
        self._runs[run_id] = summary
        self._cards[run_id] = {**cards, **placed}


@asynccontextmanager
async def open_ledger(clock: Clock) -> AsyncIterator[MemoryLedger]:
    """Open a new, empty ledger."""
    ledger = MemoryLedger(clock)
    try:
        yield ledger
    finally:
        ledger.close()
