"""Verification of a whole database: nothing flipped, dropped, reordered, cut off or out of step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from sqlite3 import Connection

from orket.domain.errors import StoreError
from orket.domain.events import Recorded
from orket.domain.identifiers import MEMORY, RunId
from orket.domain.integrity import FAULTS_MAX, Anchor, Fault, LedgerReport
from orket.domain.remembering import forgotten, remembered
from orket.infrastructure.projection import is_listed, project
from orket.infrastructure.sqlite import memories, queries
from orket.infrastructure.sqlite.chain import NO_LINK, Row, link, read_key, seal
from orket.infrastructure.sqlite.connections import connect_reader, store_errors


def verify(path: Path, anchor: Anchor | None = None) -> LedgerReport:
    """Check every event, blob and list of a database, as of one moment. Blocks, as long as the ledger is.

    Args:
        path: The database; an engine may be using it.
        anchor: The end of the ledger as an earlier report told it.

    Raises:
        StoreError: There is no database, no key, or it cannot be read at all.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}")
    key = read_key(path)
    with store_errors(path), closing(connect_reader(path)) as connection:
        connection.execute("BEGIN")  # one view for all questions, whatever an engine records meanwhile
        faults = tuple(islice(_faults(connection, key, anchor), FAULTS_MAX))
        seq = queries.newest_seq(connection)
        end = Anchor(seq, (_link_at(connection, seq) or NO_LINK).hex())
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("events", "runs", "blobs")
        }
    return LedgerReport(**counts, faults=faults, end=end)


def _faults(connection: Connection, key: bytes, anchor: Anchor | None) -> Iterator[Fault]:
    if anchor and anchor.seq and (_link_at(connection, anchor.seq) or NO_LINK).hex() != anchor.link:
        yield Fault(
            anchor.seq, f"event {anchor.seq} is not the one that was noted: an older copy, or another"
        )
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield Fault(0, f"the file is damaged: {line}")
    yield from _chain_faults(connection, key)
    yield from _blob_faults(connection)
    yield from _list_faults(connection)


def _chain_faults(connection: Connection, key: bytes) -> Iterator[Fault]:
    seq, chain = 0, NO_LINK
    rows = connection.execute("SELECT seq, run_id, kind, at, body, chain FROM events ORDER BY seq")
    for *parts, stored in rows:
        row = Row(*parts)
        if row.seq != seq + 1:
            yield Fault(seq + 1, f"events {seq + 1} to {row.seq - 1} are missing")
        if link(key, chain, row) != stored:
            yield Fault(row.seq, f"event {row.seq} or its place is not what was recorded")
        seq, chain = row.seq, stored
    head = connection.execute("SELECT seq, chain, seal FROM head").fetchone()
    if (head or seq) and head != (seq, chain, seal(key, seq, chain)):
        sealed = head[0] if head else 0
        yield Fault(
            seq, f"the ledger ends with event {seq} and was sealed at event {sealed}, or by another key"
        )


def _link_at(connection: Connection, seq: int) -> bytes | None:
    row = connection.execute("SELECT chain FROM events WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else bytes(row[0])


def _blob_faults(connection: Connection) -> Iterator[Fault]:
    for digest, body in connection.execute("SELECT hash, body FROM blobs"):
        if hashlib.sha256(body).digest() != digest:
            yield Fault(0, f"blob {digest.hex()} is not what was recorded")


def _list_faults(connection: Connection) -> Iterator[Fault]:
    """Fold each run from its events and compare."""
    listed = {run_id for (run_id,) in connection.execute("SELECT run_id FROM runs")}
    told = [run_id for (run_id,) in connection.execute("SELECT run_id FROM events GROUP BY run_id")]
    for run_id in sorted(listed.difference(told)):
        yield Fault(0, f"run {run_id} is listed and has no events")
    gone: frozenset[int] = frozenset()
    try:
        gone = frozenset(forgotten(queries.events(connection, MEMORY, 0, queries.SEQ_MAX)))
    except StoreError as error:
        yield Fault(0, error.detail)
    for run_id in told:
        try:
            fault = _run_fault(connection, RunId(run_id), gone)
        except StoreError as error:
            fault = error.detail
        if fault:
            yield Fault(0, fault)


def _run_fault(connection: Connection, run_id: RunId, gone: frozenset[int]) -> str:
    """Compare what the events of a run say, ``gone`` being what was taken out of the memory."""
    recorded = queries.events(connection, run_id, 0, queries.SEQ_MAX)
    if is_listed(run_id, recorded) and (fault := _listing_fault(connection, run_id, recorded)):
        return fault
    kept = [one for one in remembered(recorded) if one.seq not in gone]
    if memories.of_run(connection, run_id) != memories.indexed(kept):
        return f"the memory does not hold what the events of run {run_id} say"
    return ""


def _listing_fault(connection: Connection, run_id: RunId, recorded: Sequence[Recorded]) -> str:
    summary, placed = project(run_id, None, {}, recorded)
    if queries.run(connection, run_id) != summary:
        return f"the list of runs does not say what the events of run {run_id} say"
    cards = tuple(one.card for one in sorted(placed.values(), key=lambda one: one.added_seq))
    if queries.cards(connection, run_id) != cards:
        return f"the list of cards does not say what the events of run {run_id} say"
    return ""
