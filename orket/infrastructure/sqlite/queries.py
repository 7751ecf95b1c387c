"""The read side in SQL: each question is one statement, so each answer is of one moment."""

from __future__ import annotations

from sqlite3 import Connection

from orket.domain.cards import Card
from orket.domain.errors import IdempotencyConflict
from orket.domain.events import Recorded
from orket.domain.identifiers import BlobId, CardId, RunId
from orket.domain.ports import CommandKey, RunSummary
from orket.infrastructure.projection import PlacedCard
from orket.infrastructure.sqlite.rows import (
    CARD_COLUMNS,
    EVENT_COLUMNS,
    RUN_COLUMNS,
    placed_card,
    recorded,
    run_summary,
)

SEQ_MAX = 2**63 - 1


def newest_seq(connection: Connection) -> int:
    """Return the newest sequence number, 0 on an empty ledger."""
    (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    return int(seq)


def events(connection: Connection, run_id: RunId | None, after: int, limit: int) -> tuple[Recorded, ...]:
    """Read a page of events, of one run or of all."""
    if run_id is None:
        rows = connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, max(limit, 0))
        )
    else:
        rows = connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            (run_id, after, max(limit, 0)),
        )
    return tuple(recorded(row) for row in rows)


def run(connection: Connection, run_id: RunId) -> RunSummary | None:
    """Find one run's line."""
    row = connection.execute(f"SELECT {RUN_COLUMNS} FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else run_summary(row)


def runs(connection: Connection, before: int | None, limit: int, open_only: bool) -> tuple[RunSummary, ...]:
    """Read a page of the list of runs, newest first."""
    # Written out as the index has it, so that the list of open runs costs as much as there are open runs.
    is_open = "AND status IN ('running', 'paused', 'waiting_for_approval')" if open_only else ""
    rows = connection.execute(
        f"SELECT {RUN_COLUMNS} FROM runs WHERE accepted_seq < ? {is_open} ORDER BY accepted_seq DESC LIMIT ?",
        (SEQ_MAX if before is None else before, max(limit, 0)),
    )
    return tuple(run_summary(row) for row in rows)


def run_for_key(connection: Connection, key: CommandKey) -> RunId | None:
    """Find the run of an idempotency key.

    Raises:
        IdempotencyConflict: The key belongs to a command with another fingerprint.
    """
    row = connection.execute(
        "SELECT fingerprint, run_id FROM idempotency_keys WHERE key = ?", (key.key,)
    ).fetchone()
    if row is None:
        return None
    fingerprint, run_id = row
    if fingerprint != key.fingerprint:
        raise IdempotencyConflict(f"idempotency key {key.key!r} was used for another command")
    return RunId(run_id)


def key_is_used(connection: Connection, key: CommandKey) -> bool:
    """Tell whether an idempotency key is used, by whichever command."""
    row = connection.execute("SELECT 1 FROM idempotency_keys WHERE key = ?", (key.key,)).fetchone()
    return row is not None


def cards(connection: Connection, run_id: RunId | None) -> tuple[Card, ...]:
    """List cards in the order they were added, of one run or of all."""
    if run_id is None:
        rows = connection.execute(f"SELECT {CARD_COLUMNS} FROM cards ORDER BY added_seq")
    else:
        rows = connection.execute(
            f"SELECT {CARD_COLUMNS} FROM cards WHERE run_id = ? ORDER BY added_seq", (run_id,)
        )
    return tuple(placed_card(row).card for row in rows)


def card(connection: Connection, run_id: RunId, card_id: CardId) -> PlacedCard | None:
    """Find one card of a run."""
    row = connection.execute(
        f"SELECT {CARD_COLUMNS} FROM cards WHERE run_id = ? AND card_id = ?", (run_id, card_id)
    ).fetchone()
    return None if row is None else placed_card(row)


def blob(connection: Connection, blob_id: BlobId) -> bytes | None:
    """Find a blob's content."""
    try:
        digest = bytes.fromhex(blob_id)
    except ValueError:
        return None
    row = connection.execute("SELECT body FROM blobs WHERE hash = ?", (digest,)).fetchone()
    return None if row is None else bytes(row[0])
