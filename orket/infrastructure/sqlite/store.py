"""What one commit does: a group of appends in one transaction, each whole or not at all.

Everything here runs in the writer's thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import anyio
import attrs

from orket.domain.errors import IdempotencyConflict, StoreCorrupt, StoreError
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.domain.ports import CommandKey
from orket.infrastructure.codec import encode_card
from orket.infrastructure.projection import PlacedCard, cards_touched, project
from orket.infrastructure.sqlite import queries
from orket.infrastructure.sqlite.chain import NO_LINK, Row, link, make_key, read_key, seal
from orket.infrastructure.sqlite.connections import (
    as_store_error,
    connect_reader,
    connect_writer,
    store_errors,
)
from orket.infrastructure.sqlite.rows import RUN_COLUMNS, run_row, to_us
from orket.infrastructure.sqlite.schema import migrate, migrations, schema_version

Outcome = tuple[Recorded, ...] | StoreError | IdempotencyConflict

# After these a failed COMMIT is known to have left nothing behind; after others only reopening tells.
_CLEAN_FAILURES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY})


@attrs.define(eq=False)
class Append:
    """One append on its way: encoded where it was asked for, recorded by the writer.

    ``events`` carries each event with its kind and body, ``blobs`` each content with its SHA-256.
    """

    run_id: RunId
    at: datetime
    events: tuple[tuple[Event, str, bytes], ...]
    blobs: tuple[tuple[bytes, bytes], ...]
    key: CommandKey | None
    done: anyio.Event = attrs.field(factory=anyio.Event)
    outcome: Outcome | None = None


class Store:
    """The open database and where its ledger ends."""

    def __init__(self, path: Path, connection: sqlite3.Connection, key: bytes) -> None:
        self._path, self._connection, self._key = path, connection, key
        self.seq, self._chain = 0, NO_LINK
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
                with closing(connect_reader(path)) as looking:  # a foreign database is not touched
                    schema_version(looking, path, known)
            connection = connect_writer(path)
            try:
                migrate(connection, path, known)
                store = cls(path, connection, _key_of(path, connection))
                store._find_end()
                store.rebuild_if_behind()
            except (sqlite3.Error, StoreError):
                connection.close()
                raise
        return store

    def close(self) -> None:
        """Checkpoint and close; the database is one file then, when no reader is left."""
        self._connection.close()

    def commit(self, batch: Sequence[Append]) -> list[Outcome]:
        """Record a group of appends in one transaction and say what came of each, in order.

        Each append is a savepoint of its own: one that fails leaves the others alone.
        """
        if self._broken:
            return [StoreError(self._broken) for _ in batch]
        before = self.seq, self._chain
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(one) for one in batch]
            if self.seq != before[0]:
                self._seal()
            self._finish()
        except sqlite3.Error as error:
            self.seq, self._chain = before
            self._roll_back()
            return [as_store_error(error, self._path) for _ in batch]
        return outcomes

    def rebuild_if_behind(self) -> None:
        """Build the lists of runs and cards from the events if they do not reach the ledger's end."""
        (reached,) = self._connection.execute("SELECT coalesce(max(last_seq), 0) FROM runs").fetchone()
        if reached != self.seq:
            self.rebuild()

    def rebuild(self) -> None:
        """Build the lists of runs and cards from the events, one run at a time.

        Raises:
            StoreCorrupt: The events of a run do not follow from one another.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("DELETE FROM cards")
            self._connection.execute("DELETE FROM runs")
            accepted = self._connection.execute("SELECT run_id FROM events GROUP BY run_id ORDER BY min(seq)")
            for (run_id,) in accepted.fetchall():
                self._project(
                    RunId(run_id), queries.events(self._connection, RunId(run_id), 0, queries.SEQ_MAX)
                )
            self._connection.execute("COMMIT")
        except (sqlite3.Error, StoreError) as error:
            self._roll_back()
            if isinstance(error, StoreError):
                raise StoreCorrupt(f"{self._path}: {error.detail}") from error
            raise

    def _find_end(self) -> None:
        row = self._connection.execute(
            "SELECT events.seq, events.chain, head.chain, head.seal FROM events LEFT JOIN head"
            " ON head.seq = events.seq ORDER BY events.seq DESC LIMIT 1"
        ).fetchone()
        sealed = self._connection.execute("SELECT seq FROM head").fetchone()
        if row is None and sealed is None:
            return
        if row is None or row[1] != row[2] or row[3] != seal(self._key, row[0], row[1]):
            raise StoreCorrupt(f"{self._path}: the ledger does not end where it was sealed")
        self.seq, self._chain = row[0], row[1]

    def _attempt(self, append: Append) -> Outcome:
        before = self.seq, self._chain
        self._connection.execute("SAVEPOINT append")
        try:
            outcome: Outcome = self._record(append)
        except (StoreError, IdempotencyConflict, sqlite3.Error) as error:
            if not self._connection.in_transaction:
                raise  # SQLite has given up the whole transaction
            self.seq, self._chain = before
            self._connection.execute("ROLLBACK TO append")
            outcome = as_store_error(error, self._path) if isinstance(error, sqlite3.Error) else error
        self._connection.execute("RELEASE append")
        return outcome

    def _record(self, append: Append) -> tuple[Recorded, ...]:
        if append.key is not None:
            self._take_key(append.key, append.run_id)
        self._connection.executemany(
            "INSERT INTO blobs (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING", append.blobs
        )
        recorded = tuple(self._insert(append, *one) for one in append.events)
        if recorded:
            self._project(append.run_id, recorded)
        return recorded

    def _take_key(self, key: CommandKey, run_id: RunId) -> None:
        taken = self._connection.execute(
            "INSERT INTO idempotency_keys (key, fingerprint, run_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (key.key, key.fingerprint, run_id),
        )
        if taken.rowcount != 1:
            raise IdempotencyConflict(f"idempotency key {key.key!r} is already used")

    def _insert(self, append: Append, event: Event, kind: str, body: bytes) -> Recorded:
        row = Row(self.seq + 1, append.run_id, kind, to_us(append.at), body)
        chain = link(self._key, self._chain, row)
        self._connection.execute(
            "INSERT INTO events (seq, run_id, kind, at, body, chain) VALUES (?, ?, ?, ?, ?, ?)",
            (row.seq, row.run_id, row.kind, row.at_us, row.body, chain),
        )
        self.seq, self._chain = row.seq, chain
        return Recorded(seq=row.seq, at=append.at, run_id=append.run_id, event=event)

    def _project(self, run_id: RunId, recorded: Sequence[Recorded]) -> None:
        touched = cards_touched(one.event for one in recorded)
        cards = queries.placed_cards(self._connection, run_id, touched)
        summary, placed = project(run_id, queries.run(self._connection, run_id), cards, recorded)
        self._connection.execute(
            f"INSERT INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, reason = excluded.reason,"
            " finished_at = excluded.finished_at, last_seq = excluded.last_seq",
            run_row(summary),
        )
        self._connection.executemany(
            "INSERT INTO cards (added_seq, run_id, card_id, status, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (added_seq) DO UPDATE SET status = excluded.status, body = excluded.body",
            [_card_row(run_id, one) for one in placed.values()],
        )

    def _seal(self) -> None:
        self._connection.execute(
            "INSERT INTO head (id, seq, chain, seal) VALUES (1, ?, ?, ?) ON CONFLICT (id)"
            " DO UPDATE SET seq = excluded.seq, chain = excluded.chain, seal = excluded.seal",
            (self.seq, self._chain, seal(self._key, self.seq, self._chain)),
        )

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

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _key_of(path: Path, connection: sqlite3.Connection) -> bytes:
    (filled,) = connection.execute("SELECT EXISTS (SELECT 1 FROM events)").fetchone()
    try:
        return read_key(path)
    except StoreError:
        if filled:
            raise
    return make_key(path)


def _card_row(run_id: RunId, placed: PlacedCard) -> tuple[int, RunId, str, str, bytes]:
    card = placed.card
    return placed.added_seq, run_id, card.id, card.status.value, encode_card(card)
