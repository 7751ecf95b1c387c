"""Migrations: fresh, from an older schema, never from a newer or a foreign one, whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orket.domain.errors import StoreError
from orket.domain.events import Event
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState
from orket.infrastructure.codec import encode_event
from orket.infrastructure.sqlite import open_ledger, open_reader
from orket.infrastructure.sqlite.chain import NO_LINK, Row, link, make_key, seal
from orket.infrastructure.sqlite.connections import connect_writer
from orket.infrastructure.sqlite.schema import Migration, migrate, migrations, schema_version
from orket.infrastructure.sqlite.upkeep import migrate_database
from orket.infrastructure.sqlite.verify import verify
from tests.contracts.ledger import A, B, SteppingClock
from tests.contracts.strategies import accepted, comment

# All but the full-text index, which makes tables of its own.
STRICT = {"events", "head", "blobs", "idempotency_keys", "runs", "cards", "memories"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orket.db"


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def old_database(path: Path) -> None:
    """A ledger of schema 1, from before there were lists of runs and cards."""
    with closing(connect_writer(path)) as connection:
        migrate(connection, path, migrations()[:1])
        key, chain = make_key(path), NO_LINK
        events: list[tuple[RunId, Event]] = [(A, accepted()), (A, comment()), (B, accepted())]
        for seq, (run, event) in enumerate(events, start=1):
            kind, body = encode_event(event)
            row = Row(seq, run, kind, 1000 * seq, body)
            chain = link(key, chain, row)
            connection.execute(
                "INSERT INTO events (seq, run_id, kind, at, body, chain) VALUES (?, ?, ?, ?, ?, ?)",
                (row.seq, row.run_id, row.kind, row.at_us, row.body, chain),
            )
        connection.execute("INSERT INTO head VALUES (1, 3, ?, ?)", (chain, seal(key, 3, chain)))


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [one.name[:5] for one in migrations()] == [f"{one.number:04}_" for one in migrations()]
    assert len(migrations()) >= 2


def test_a_fresh_database_gets_all_once(path: Path) -> None:
    assert [applied for _, applied in migrate_database(path)] == [True] * len(migrations())
    assert [applied for _, applied in migrate_database(path)] == [False] * len(migrations())
    assert {one for one in tables(path) if not one.startswith("memory_")} == STRICT
    with closing(sqlite3.connect(path)) as connection:
        strict = [one[5] for one in connection.execute("PRAGMA table_list") if one[1] in STRICT]
    assert strict == [1] * len(STRICT)


@pytest.mark.anyio
async def test_an_old_database_is_brought_up_to_date(path: Path) -> None:
    old_database(path)
    assert "runs" not in tables(path)
    with pytest.raises(StoreError, match="older Orket"):
        async with open_reader(path):
            pass
    async with open_ledger(path, SteppingClock()) as ledger:
        assert [one.run_id for one in await ledger.runs()] == [B, A]
        run = await ledger.run(A)
        assert run is not None
        assert run.status == RunState.fold(A, await ledger.read(A)).status
        assert (await ledger.append(B, [comment()]))[0].seq == 4
    assert verify(path).ok


def test_a_newer_database_is_refused_untouched(path: Path) -> None:
    migrate_database(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="upgrade Orket"):
        migrate_database(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_version_before_it(path: Path) -> None:
    broken = Migration(2, "0002_broken", "CREATE TABLE half (x) STRICT; CREATE TABLE events (y INT) STRICT;")
    with closing(connect_writer(path)) as connection:
        with pytest.raises(sqlite3.Error):
            migrate(connection, path, (migrations()[0], broken))
        assert schema_version(connection, path, migrations()) == 1
    assert "half" not in tables(path)
    assert [applied for _, applied in migrate_database(path)] == [False, *[True] * (len(migrations()) - 1)]
