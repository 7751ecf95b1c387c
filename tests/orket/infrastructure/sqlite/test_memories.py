"""The memory's tables: in step with the events, checked, rebuilt, and there in older databases too."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orket.domain.identifiers import MEMORY
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.infrastructure.sqlite import open_ledger, open_reader
from orket.infrastructure.sqlite.connections import connect_writer
from orket.infrastructure.sqlite.schema import migrate, migrations
from orket.infrastructure.sqlite.store import Store
from orket.infrastructure.sqlite.upkeep import migrate_database
from orket.infrastructure.sqlite.verify import verify
from tests.contracts.ledger import A, B, SteppingClock
from tests.contracts.strategies import accepted, comment, remembered

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orket.db"


async def fill(path: Path) -> None:
    async with open_ledger(path, SteppingClock()) as ledger:
        await ledger.append(A, [accepted(), remembered("whole cents"), comment()])
        await ledger.append(B, [accepted(), remembered("名前 first")])


async def found(path: Path, query: str) -> list[str]:
    async with open_reader(path) as reader:
        return [one.text for one in await reader.recall(query)]


async def test_it_is_there_after_reopening(path: Path) -> None:
    await fill(path)
    assert verify(path).ok
    async with open_ledger(path, SteppingClock()) as ledger:
        assert [one.text for one in await ledger.recall("cents")] == ["whole cents"]
    assert await found(path, "前") == ["名前 first"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE memories SET body = 'half cents'",
        "DELETE FROM memories",
        "DELETE FROM memory_words",
        "UPDATE memory_words SET words = 'else' WHERE rowid = 2",
        "INSERT INTO memories SELECT 3, at, run_id, card_id, author, body FROM memories WHERE seq = 2",
    ],
)
async def test_what_is_out_of_step_is_found_and_mended_by_a_rebuild(path: Path, sql: str) -> None:
    await fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
    assert any("memory does not hold" in one.what for one in verify(path).faults)
    with closing(Store.open(path)) as store:
        store.rebuild()
    assert verify(path).ok
    assert await found(path, "cents") == ["whole cents"]


async def test_a_rebuild_takes_out_what_was_taken_out_though_it_came_later(path: Path) -> None:
    async with open_ledger(path, SteppingClock()) as ledger:
        await ledger.append(MEMORY, [MemoryAdded(by="ada", text="our own")])
    await fill(path)
    async with open_ledger(path, SteppingClock()) as ledger:
        (cents,) = await ledger.recall("cents")
        await ledger.append(MEMORY, [MemoryForgotten(number=cents.seq, by="ada")])
    assert verify(path).ok
    with closing(Store.open(path)) as store:
        store.rebuild()
    assert verify(path).ok
    assert (await found(path, "cents"), await found(path, "own")) == ([], ["our own"])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE memories SET body = 'not ours' WHERE run_id = 'memory'")
        connection.commit()
    assert any("run memory" in one.what for one in verify(path).faults)


async def test_a_database_from_before_there_was_a_memory_gets_one(path: Path) -> None:
    with closing(connect_writer(path)) as connection:
        migrate(connection, path, migrations()[:2])
    assert [applied for _, applied in migrate_database(path)] == [False, False, True]
    await fill(path)
    assert await found(path, "cents") == ["whole cents"]
    assert verify(path).ok


async def test_an_append_that_is_refused_remembers_nothing(path: Path) -> None:
    async with open_ledger(path, SteppingClock()) as ledger:
        with pytest.raises(Exception, match="accepted"):
            await ledger.append(A, [remembered("too early")])
        assert await ledger.recall("early") == ()
