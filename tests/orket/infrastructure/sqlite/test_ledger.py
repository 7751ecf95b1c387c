"""The SQLite ledger keeps the port's word, and what it says of its files."""

from __future__ import annotations

import itertools
import sqlite3
import stat
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import anyio
import pytest

from orket.domain.errors import StoreCorrupt, StoreError
from orket.domain.identifiers import blob_id
from orket.domain.ports import Clock, CommandKey, Ledger
from orket.infrastructure.sqlite import open_ledger, open_reader
from tests.contracts.ledger import A, B, LedgerContract, Opening, SteppingClock
from tests.contracts.recall import RecallContract
from tests.contracts.strategies import accepted, comment

# ruff: noqa: ASYNC240  # small files; the loop may wait for them


class TestSqliteLedger(LedgerContract, RecallContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        numbers = itertools.count()

        def opening(clock: Clock) -> AbstractAsyncContextManager[Ledger]:
            return open_ledger(tmp_path / str(next(numbers)) / "orket.db", clock)

        return opening


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "durable" / "orket.db"


@pytest.mark.anyio
class TestFiles:
    async def test_what_was_recorded_is_there_after_reopening(self, path: Path) -> None:
        key = CommandKey(key="k", fingerprint="f")
        async with open_ledger(path, SteppingClock()) as ledger:
            first = await ledger.append(A, [accepted(), comment()], blobs=[b"one"], key=key)
        async with open_ledger(path, SteppingClock()) as ledger:
            assert await ledger.read() == first
            assert await ledger.run_for_key(key) == A
            assert await ledger.blob(blob_id(b"one")) == b"one"
            assert await ledger.wait(1) == 2
            (more,) = await ledger.append(B, [accepted()])
            assert more.seq == 3

    async def test_a_closed_database_is_one_private_file_and_its_key(self, path: Path) -> None:
        async with open_ledger(path, SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            await ledger.read()
            assert {one.name for one in path.parent.iterdir()} >= {"orket.db-wal", "orket.db-shm"}
            assert all(stat.S_IMODE(one.stat().st_mode) == 0o600 for one in path.parent.iterdir())
        assert {one.name for one in path.parent.iterdir()} == {"orket.db", "orket.db.key"}

    async def test_equal_blobs_are_stored_once(self, path: Path) -> None:
        async with open_ledger(path, SteppingClock()) as ledger:
            await ledger.append(A, [accepted()], blobs=[b"x" * 1000] * 5)
            await ledger.append(A, [comment()], blobs=[b"x" * 1000])
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*), sum(length(body)) FROM blobs").fetchone() == (1, 1000)

    async def test_a_reader_sees_what_a_writer_has_committed(self, path: Path) -> None:
        async with open_ledger(path, SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            async with open_reader(path) as reader:
                assert await reader.read() == await ledger.read()
                await ledger.append(A, [comment()], blobs=[b"one"])
                assert await reader.wait(1) == 2
                assert await reader.runs() == await ledger.runs()
                assert await reader.blob(blob_id(b"one")) == b"one"
                with anyio.move_on_after(0) as scope:
                    await reader.wait(2)
                assert scope.cancelled_caught

    async def test_a_reader_changes_nothing(self, path: Path) -> None:
        async with open_ledger(path, SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
        before = path.read_bytes()
        async with open_reader(path) as reader:
            assert len(await reader.read()) == 1
            with pytest.raises(StoreError, match="readonly"):
                await reader._readers.ask(lambda connection: connection.execute("DELETE FROM events"))
        assert path.read_bytes() == before
        with pytest.raises(StoreError, match="closed"):
            await reader.read()

    async def test_a_missing_database_is_said_with_its_path(self, path: Path) -> None:
        with pytest.raises(StoreError, match=f"no database at {path}"):
            async with open_reader(path):
                pass
        assert not path.parent.exists()

    @pytest.mark.parametrize("opening", ["writer", "reader"])
    async def test_what_is_not_a_database_of_orket_is_left_alone(self, path: Path, opening: str) -> None:
        path.parent.mkdir()
        path.write_bytes(b"certainly not a database" * 100)
        block = open_reader(path) if opening == "reader" else open_ledger(path, SteppingClock())
        with pytest.raises(StoreCorrupt, match=r"orket\.db: file is not a database"):
            async with block:
                pass
        assert path.read_bytes() == b"certainly not a database" * 100

    async def test_a_foreign_database_is_left_alone(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        before = path.read_bytes()
        with pytest.raises(StoreError, match="not a database of Orket"):
            async with open_ledger(path, SteppingClock()):
                pass
        assert path.read_bytes() == before

    async def test_a_lost_key_is_said(self, path: Path) -> None:
        async with open_ledger(path, SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
        path.with_name("orket.db.key").unlink()
        with pytest.raises(StoreError, match=r"orket\.db\.key is missing"):
            async with open_ledger(path, SteppingClock()):
                pass
        async with open_reader(path) as reader:
            assert len(await reader.read()) == 1
