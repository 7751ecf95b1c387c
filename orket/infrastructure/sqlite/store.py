"""The open database and its commits; everything here runs in the writer's thread, or before it starts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from orket.domain.errors import StoreCorrupt, StoreError
from orket.domain.identifiers import ENGINE, MEMORY, PROJECTS, PULL_REQUESTS, SESSIONS, RunId
from orket.domain.ports import RunSummary
from orket.infrastructure.sqlite import memories, queries
from orket.infrastructure.sqlite.chain import NO_LINK, make_key, read_key, seal
from orket.infrastructure.sqlite.connections import (
    as_store_error,
    connect_writer,
    store_errors,
)
from orket.infrastructure.sqlite.group import Append, Group, Outcome
from orket.infrastructure.sqlite.lists import ListChanges, Lists
from orket.infrastructure.sqlite.schema import migrate, migrations, version_on_disk

# After these a failed COMMIT is known to have left nothing behind; after others only reopening tells.
_CLEAN_FAILURES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY})


class Store:
    """The open database and where its ledger ends."""

    def __init__(self, path: Path, connection: sqlite3.Connection, key: bytes) -> None:
        self._path, self._connection, self._key = path, connection, key
        self.seq, self._chain = 0, NO_LINK
        self._lists = Lists(connection)
        self._broken = ""

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the database, made and migrated as needed, and check where its ledger ends.

        Raises:
            StoreError: It cannot be opened, or was written by a newer Orket.
            StoreCorrupt: The end of the ledger is not the one that was sealed.
        """
        with store_errors(path):
            known = migrations()
            if path.exists() and path.stat().st_size:
                version_on_disk(path, known)  # a foreign database is not touched
            connection = connect_writer(path)
            try:
                migrate(connection, path, known)
                store = cls(path, connection, _key_of(path, connection))
                store._find_end()
                store._rebuild_if_behind()
            except (sqlite3.Error, StoreError):
                connection.close()
                raise
        return store

    def close(self) -> None:
        """Checkpoint and close; the database is one file then, when no reader is left."""
        self._connection.close()

    def remembers(self) -> bool:
        """Tell whether there is anything to recall; only while nothing is being committed."""
        return memories.any_remembered(self._connection)

    def remembered(self, run_id: RunId) -> RunSummary | None:
        """Find the line of a run that was written to not long ago; from any thread."""
        return self._lists.remembered(run_id)

    def commit(self, batch: Sequence[Append]) -> list[Outcome]:
        """Record a group of appends in one transaction and say what came of each, in order.

        When the disk refuses the group, each append is tried alone: one that is too large for what is left
        of the disk does not take the others along.
        """
        if self._broken:
            return [StoreError(self._broken) for _ in batch]
        try:
            return self._commit(batch)
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if len(batch) == 1 or self._broken:
                return [as_store_error(error, self._path) for _ in batch]
        return [outcome for one in batch for outcome in self.commit([one])]

    def rebuild(self) -> None:
        """Build the lists of runs and cards from the events, one run at a time.

        Raises:
            StoreCorrupt: The events of a run do not follow from one another.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            memories.clear(connection)
            connection.execute("DELETE FROM cards")
            connection.execute("DELETE FROM runs")
            runs = connection.execute(
                # What was taken out of the memory is taken out of what all runs have put into it.
                "SELECT run_id FROM events GROUP BY run_id ORDER BY run_id = ?, min(seq)",
                (MEMORY,),
            ).fetchall()
            for (name,) in runs:
                run_id = RunId(name)
                changes = ListChanges(Lists(connection))
                changes.fold(run_id, queries.events(connection, run_id, 0, queries.SEQ_MAX))
                changes.write()
            connection.execute("COMMIT")
        except (sqlite3.Error, StoreError) as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, StoreError):
                raise StoreCorrupt(f"{self._path}: {error.detail}") from error
            raise

    def _commit(self, batch: Sequence[Append]) -> list[Outcome]:
        self._connection.execute("BEGIN IMMEDIATE")
        group = Group(self._connection, self._lists, self._key, self.seq, self._chain)
        outcomes = [group.add(one) for one in batch]
        group.write()
        self._finish()
        self.seq, self._chain = group.seq, group.chain
        self._lists.remember(group.changes)
        return outcomes

    def _finish(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF not in _CLEAN_FAILURES:
                self._broken = (
                    f"{self._path}: a commit failed ({error}); what it held may or may not be recorded,"
                    " and nothing more is accepted until the ledger is opened again"
                )
            raise

    def _find_end(self) -> None:
        last = self._connection.execute("SELECT seq, chain FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        head = self._connection.execute("SELECT seq, chain, seal FROM head").fetchone()
        if last is None and head is None:
            return
        if last is None or head != (*last, seal(self._key, *last)):
            raise StoreCorrupt(f"{self._path}: the ledger does not end where it was sealed")
        self.seq, self._chain = last

    def _rebuild_if_behind(self) -> None:
        (reached,) = self._connection.execute("SELECT coalesce(max(last_seq), 0) FROM runs").fetchone()
        (told,) = self._connection.execute(
            "SELECT coalesce(max(seq), 0) FROM events WHERE run_id NOT IN (?, ?, ?, ?, ?)",
            (ENGINE, PROJECTS, PULL_REQUESTS, SESSIONS, MEMORY),
        ).fetchone()
        if reached != told:
            self.rebuild()


def _key_of(path: Path, connection: sqlite3.Connection) -> bytes:
    (filled,) = connection.execute("SELECT EXISTS (SELECT 1 FROM events)").fetchone()
    try:
        return read_key(path)
    except StoreError:
        if filled:
            raise
    return make_key(path)
