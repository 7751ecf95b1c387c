"""The ledger port on SQLite."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread

from orket.domain.cards import Card
from orket.domain.errors import StoreError
from orket.domain.events import DecisionRemembered, Event, Recorded
from orket.domain.identifiers import BlobId, RunId
from orket.domain.memory import Memory
from orket.domain.memory_events import MemoryAdded
from orket.domain.ports import Clock, CommandKey, RunSummary
from orket.domain.redaction import Redactor
from orket.infrastructure.codec import encode_all
from orket.infrastructure.sqlite import memories, queries
from orket.infrastructure.sqlite.commits import Commits
from orket.infrastructure.sqlite.connections import connect_reader, store_errors
from orket.infrastructure.sqlite.group import Append
from orket.infrastructure.sqlite.readers import Readers
from orket.infrastructure.sqlite.schema import migrations, schema_version
from orket.infrastructure.sqlite.store import Store


class SqliteReader:
    """The read side; see ``orket.domain.ports.LedgerReader``."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def read(
        self, run_id: RunId | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Recorded, ...]:
        """Return up to ``limit`` events above ``after``, ascending, of one run or of all."""
        return await self._readers.ask(partial(queries.events, run_id=run_id, after=after, limit=limit))

    async def wait(self, after: int, run_id: RunId | None = None) -> int:
        """Return the newest sequence number if it is above ``after``, else wait: nobody commits here."""
        newest = await self._readers.ask(queries.newest_seq)
        if newest <= after:
            await anyio.sleep_forever()
        return newest

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None."""
        return await self._readers.ask(partial(queries.run, run_id=run_id))

    async def runs(
        self, *, before: int | None = None, limit: int = 50, open_only: bool = False
    ) -> tuple[RunSummary, ...]:
        """List runs, newest first, in pages."""
        return await self._readers.ask(partial(queries.runs, before=before, limit=limit, open_only=open_only))

    async def run_for_key(self, key: CommandKey) -> RunId | None:
        """Find the run that was started with an idempotency key.

        Raises:
            IdempotencyConflict: The key belongs to a command with another fingerprint.
        """
        return await self._readers.ask(partial(queries.run_for_key, key=key))

    async def cards(self, run_id: RunId | None = None) -> tuple[Card, ...]:
        """List cards as they stand, in the order they were added."""
        return await self._readers.ask(partial(queries.cards, run_id=run_id))

    async def blob(self, blob: BlobId) -> bytes | None:
        """Return a blob's content, or None."""
        return await self._readers.ask(partial(queries.blob, blob_id=blob))

    async def recall(self, query: str, *, limit: int = 20) -> tuple[Memory, ...]:
        """Search what was remembered, the best first."""
        return await self._readers.ask(partial(memories.recall, query=query, limit=limit))


class SqliteLedger(SqliteReader):
    """The write side; see ``orket.domain.ports.Ledger``. Secrets are taken out before anything is written."""

    def __init__(
        self,
        readers: Readers,
        commits: Commits,
        clock: Clock,
        redactor: Redactor | None = None,
        *,
        remembers: bool = True,
    ) -> None:
        super().__init__(readers)
        self._commits, self._clock, self._redactor = commits, clock, redactor or Redactor()
        self._remembers = remembers

    async def recall(self, query: str, *, limit: int = 20) -> tuple[Memory, ...]:
        """Search what was remembered; a house that remembers nothing is not asked each time."""
        if self._remembers:
            return await super().recall(query, limit=limit)
        await anyio.lowlevel.checkpoint()
        return ()

    async def read(
        self, run_id: RunId | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Recorded, ...]:
        """Return up to ``limit`` events above ``after``, ascending, of one run or of all."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        found = self._commits.recent(run_id, after, limit)
        return await super().read(run_id, after=after, limit=limit) if found is None else found

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None; one that was written to not long ago takes no thread."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        return self._commits.run(run_id) or await super().run(run_id)

    async def wait(self, after: int, run_id: RunId | None = None) -> int:
        """Return the newest sequence number once it is above ``after``.

        Raises:
            StoreError: The ledger was closed.
        """
        return await self._commits.newest.wait(after, run_id)

    async def append(
        self,
        run_id: RunId,
        events: Sequence[Event],
        *,
        blobs: Sequence[bytes] = (),
        key: CommandKey | None = None,
    ) -> tuple[Recorded, ...]:
        """Record events, blobs and idempotency key in one transaction; durable when it returns.

        Raises:
            IdempotencyConflict: ``key`` is already used; nothing was recorded.
            StoreError: Nothing was recorded.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        encoded, clean = encode_all(events, blobs, self._redactor)
        append = Append(
            run_id=run_id,
            at=self._clock.now().astimezone(UTC),
            events=encoded,
            blobs=tuple([(hashlib.sha256(one).digest(), one) for one in clean]),
            key=key,
        )
        outcome = await self._commits.append(append)
        if isinstance(outcome, tuple):
            self._remembers = self._remembers or any(
                type(one) in (DecisionRemembered, MemoryAdded) for one in events
            )
            return outcome
        raise outcome


@asynccontextmanager
async def open_ledger(
    path: str | os.PathLike[str], clock: Clock, redactor: Redactor | None = None
) -> AsyncIterator[SqliteLedger]:
    """Open the ledger for writing; a missing database is made, an older one migrated.

    The caller holds the ``EngineLock``: one writer per database. When the block ends, however it ends,
    appends that wait are recorded first.

    Raises:
        StoreError: The database cannot be opened, or was written by a newer Orket.
        StoreCorrupt: It is not a database, or the ledger does not end where it was sealed.
    """
    store = await anyio.to_thread.run_sync(Store.open, Path(path))
    remembers = store.remembers()
    commits, readers = Commits(store), Readers(Path(path))
    commits.start()
    try:
        yield SqliteLedger(readers, commits, clock, redactor, remembers=remembers)
    finally:
        with anyio.CancelScope(shield=True):
            await commits.close()
            await readers.close()
            await anyio.to_thread.run_sync(store.close)  # last: closing the last connection checkpoints


@asynccontextmanager
async def open_reader(path: str | os.PathLike[str]) -> AsyncIterator[SqliteReader]:
    """Open the ledger for reading only; it may have a writer, in this or another process.

    Raises:
        StoreError: There is no database, or it is of another version.
    """
    await anyio.to_thread.run_sync(_check_readable, Path(path))
    readers = Readers(Path(path))
    try:
        yield SqliteReader(readers)
    finally:
        with anyio.CancelScope(shield=True):
            await readers.close()


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise StoreError(f"there is no database at {path}: start a run first, or name another one")
    with store_errors(path):
        connection = connect_reader(path)
        try:
            known = migrations()
            if schema_version(connection, path, known) < len(known):
                raise StoreError(f"{path} is of an older Orket: start the engine once, or migrate it")
        finally:
            connection.close()
