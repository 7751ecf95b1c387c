"""What was written outside the engine: acknowledgements and effects, to be compared with the ledger."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

import attrs

from orket.domain.events import Recorded
from orket.infrastructure.sqlite import queries
from orket.infrastructure.sqlite.connections import connect_reader


def digest(kind: str, body: bytes) -> str:
    """Fingerprint an event as it stands in the database."""
    return hashlib.sha256(kind.encode() + b"\0" + body).hexdigest()[:16]


@attrs.frozen
class Acknowledged:
    """How many different events were told to the outside, and those of them that the ledger does not hold."""

    events: int
    lost: tuple[str, ...]


def acknowledged(told: Path, database: Path) -> Acknowledged:
    """Look for every acknowledged event in the database."""
    if not told.exists():
        return Acknowledged(0, ())
    claims = {
        (int(words[0]), words[1])
        for line in told.read_text().splitlines(keepends=True)
        if line.endswith("\n") and len(words := line.split()) == 2
    }
    with closing(connect_reader(database)) as connection:
        rows = connection.execute("SELECT seq, kind, body FROM events").fetchall()
    held = {(seq, digest(kind, body)) for seq, kind, body in rows}
    lost = sorted(claims - held)
    return Acknowledged(len(claims), tuple(f"event {seq} was acknowledged and is lost" for seq, _ in lost))


def recorded(database: Path) -> tuple[Recorded, ...]:
    """Read the whole ledger."""
    with closing(connect_reader(database)) as connection:
        return queries.events(connection, None, 0, queries.SEQ_MAX)
