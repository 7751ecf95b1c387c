"""Failing commits: a full disk, a disk that fails, lists that fell behind."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from orket.domain.errors import StoreCorrupt, StoreError
from orket.domain.events import EngineHalted
from orket.domain.identifiers import ENGINE
from orket.domain.ports import CommandKey
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.connections import connect_reader
from orket.infrastructure.sqlite.store import Store
from orket.infrastructure.sqlite.verify import verify
from tests.contracts.ledger import A, B, SteppingClock, seqs
from tests.contracts.strategies import accepted, comment
from tests.orket.infrastructure.sqlite.appends import an_append

pytestmark = pytest.mark.anyio

FAILING_DISK = """
import resource, sys
from pathlib import Path
import anyio
from orket.domain.errors import StoreError
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.verify import verify
from orket.infrastructure.sqlite.connections import connect_reader
from tests.contracts.ledger import A
from tests.contracts.strategies import accepted, comment
from tests.orket.infrastructure.sqlite.appends import an_append

async def main(path):
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    acknowledged = 0
    async with open_ledger(path, SystemClock()) as ledger:
        (one,) = await ledger.append(A, [accepted()])
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            while True:
                acknowledged = one.seq
                (one,) = await ledger.append(A, [comment(text="x" * 5000)])
        except StoreError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        try:
            await ledger.append(A, [comment()])
        except StoreError as error:
            print(error)
        assert len(await ledger.read(limit=10_000)) >= acknowledged
    async with open_ledger(path, SystemClock()) as ledger:
        found = [one.seq for one in await ledger.read(limit=10_000)]
        assert found == list(range(1, len(found) + 1)) and len(found) >= acknowledged
        await ledger.append(A, [comment()])
    assert verify(path).ok

anyio.run(main, Path(sys.argv[1]))
print("fine")
"""


async def test_a_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "orket.db"
    async with open_ledger(path, SteppingClock()) as ledger:
        await ledger.append(A, [accepted()])
        connection = ledger._commits._store._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full"):
            await ledger.append(
                A, [comment()], blobs=[b"x" * 100_000], key=CommandKey(key="k", fingerprint="f")
            )
        connection.execute("PRAGMA max_page_count = 1000000")
        (one,) = await ledger.append(A, [comment()], key=CommandKey(key="k", fingerprint="f"))
        assert one.seq == 2
        assert await seqs(ledger) == [1, 2]
    assert verify(path).ok


def test_after_a_commit_that_failed_midway_nothing_is_accepted_until_reopened(tmp_path: Path) -> None:
    """The file system refuses to let the log grow: whether the commit counts is not known until reopened."""
    done = subprocess.run(
        [sys.executable, "-c", FAILING_DISK, str(tmp_path / "orket.db")],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[4],
    )
    assert done.returncode == 0, done.stderr
    first, second, last = done.stdout.splitlines()
    assert "disk I/O error" in first
    assert "until the ledger is opened again" in second
    assert last == "fine"


async def test_lists_that_are_missing_are_rebuilt(tmp_path: Path) -> None:
    path = tmp_path / "orket.db"
    async with open_ledger(path, SteppingClock()) as ledger:
        await ledger.append(A, [accepted()])
        await ledger.append(B, [accepted(), comment()])
        before = await ledger.runs(), await ledger.cards()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DELETE FROM cards; DELETE FROM runs;")
    async with open_ledger(path, SteppingClock()) as ledger:
        assert (await ledger.runs(), await ledger.cards()) == before


async def test_the_engines_own_events_need_no_rebuilding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "orket.db"
    async with open_ledger(path, SteppingClock()) as ledger:
        await ledger.append(A, [accepted()])
        await ledger.append(ENGINE, [EngineHalted(by="tester")])
    assert verify(path).ok
    with closing(Store.open(path)) as store:
        store.rebuild()
    assert verify(path).ok
    monkeypatch.setattr(Store, "rebuild", None)  # opening it again calls for none
    Store.open(path).close()


def test_a_second_writer_cannot_overwrite(tmp_path: Path) -> None:
    """Whoever passes by the lock is refused by the sequence number: nothing is overwritten."""
    path = tmp_path / "orket.db"
    with closing(Store.open(path)) as first, closing(Store.open(path)) as second:
        (done,) = first.commit([an_append(A, accepted())])
        assert isinstance(done, tuple)
        (refused,) = second.commit([an_append(B, accepted())])
        assert isinstance(refused, StoreError)
        (done,) = first.commit([an_append(A, comment())])
        assert isinstance(done, tuple)
    assert verify(path).ok


def test_a_ledger_without_its_end_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "orket.db"
    with closing(Store.open(path)) as store:
        store.commit([an_append(A, accepted()), an_append(A, comment())])
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DELETE FROM events WHERE seq = 2;")
    with pytest.raises(StoreCorrupt, match="does not end where it was sealed"):
        Store.open(path)


# A header of a rollback journal of a database that was empty before: magic, no records, nonce, no pages.
HALF_MADE = bytes.fromhex("d9d505f920a163d700000000530afd5b000000000000020000001000").ljust(512, b"\0")


async def test_a_database_whose_making_was_cut_off_is_made_again(tmp_path: Path) -> None:
    """An engine was killed between switching to WAL and committing that."""
    path = tmp_path / "orket.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA user_version = 0")
    path.with_name(path.name + "-journal").write_bytes(HALF_MADE)
    with closing(connect_reader(path)) as looking, pytest.raises(sqlite3.OperationalError, match="readonly"):
        looking.execute("PRAGMA user_version")
    async with open_ledger(path, SteppingClock()) as ledger:
        assert await ledger.read() == ()
