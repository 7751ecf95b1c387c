"""Whatever is changed behind the ledger's back is found; a backup is as good as the original."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket.domain.cards import Card
from orket.domain.errors import StoreError
from orket.domain.events import CardAdded
from orket.domain.identifiers import CardId
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.chain import key_path, make_key
from orket.infrastructure.sqlite.store import Store
from orket.infrastructure.sqlite.upkeep import back_up, migrate_database
from orket.infrastructure.sqlite.verify import verify
from tests.contracts.ledger import A, B, SteppingClock, seqs
from tests.contracts.strategies import accepted, comment
from tests.orket.infrastructure.sqlite.appends import an_append

EVENTS = 12


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger of ``EVENTS`` events, two runs, a card and a blob."""
    path = tmp_path_factory.mktemp("original") / "orket.db"
    with closing(Store.open(path)) as store:
        store.commit([an_append(A, accepted(), CardAdded(card=Card(id=CardId("A"), name="a")))])
        with_blob = an_append(B, accepted())
        with_blob.blobs = ((bytes.fromhex("9c" * 32), b"not that"),)
        store.commit([with_blob, *(an_append(A, comment(text=str(n))) for n in range(EVENTS - 3))])
        store._connection.execute("DELETE FROM blobs")
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "orket.db"
    back_up(original, copy)
    return copy


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def test_an_untouched_ledger_is_fine(path: Path) -> None:
    report = verify(path)
    assert (report.ok, report.events, report.runs, report.faults) == (True, EVENTS, 2, ())


def test_an_empty_ledger_is_fine(tmp_path: Path) -> None:
    migrate_database(tmp_path / "orket.db")
    assert verify(tmp_path / "orket.db").ok


SWAP = (
    "UPDATE events SET seq = -1 WHERE seq = 7; UPDATE events SET seq = 7 WHERE seq = 8;"
    " UPDATE events SET seq = 8 WHERE seq = -1;"
)
RESEAL = (
    f"DELETE FROM events WHERE seq = {EVENTS};"
    f" UPDATE head SET seq = seq - 1, chain = (SELECT chain FROM events WHERE seq = {EVENTS - 1})"
)
REPEAT = f"INSERT INTO events SELECT {EVENTS + 1}, run_id, kind, at, body, chain FROM events WHERE seq = 7"


@pytest.mark.parametrize(
    ("sql", "seq"),
    [
        ("UPDATE events SET body = CAST(replace(body, '3', '4') AS BLOB) WHERE seq = 7", 7),
        ("UPDATE events SET at = at + 1 WHERE seq = 7", 7),
        ("UPDATE events SET kind = 'RunPaused' WHERE seq = 7", 7),
        ("UPDATE events SET run_id = 'bbbb0002' WHERE seq = 7", 7),
        ("UPDATE events SET chain = zeroblob(32) WHERE seq = 7", 7),
        ("DELETE FROM events WHERE seq = 7", 7),
        ("DELETE FROM events WHERE seq = 7; UPDATE events SET seq = seq - 1 WHERE seq > 7", 7),
        (SWAP, 7),
        (f"DELETE FROM events WHERE seq = {EVENTS}", EVENTS - 1),
        (RESEAL, EVENTS - 1),
        ("DELETE FROM head", EVENTS),
        ("DELETE FROM events; DELETE FROM runs; DELETE FROM cards", 0),
        (REPEAT, EVENTS + 1),
    ],
)
def test_a_changed_ledger_is_found(path: Path, sql: str, seq: int) -> None:
    change(path, sql)
    report = verify(path)
    assert not report.ok
    assert report.faults[0].seq == seq, report.faults


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE runs SET status = 'done' WHERE run_id = 'aaaa0001'", "list of runs does not say"),
        ("UPDATE runs SET run_id = 'cccc' WHERE run_id = 'bbbb0002'", "listed and has no events"),
        (
            "UPDATE cards SET body = CAST(replace(body, 'ready', 'done') AS BLOB)",
            "list of cards does not say",
        ),
        ("DELETE FROM cards", "list of cards does not say"),
        ("INSERT INTO blobs (hash, body) VALUES (zeroblob(32), x'00')", "blob 0000"),
    ],
)
def test_lists_and_blobs_out_of_step_are_found(path: Path, sql: str, what: str) -> None:
    change(path, f"PRAGMA foreign_keys = OFF; {sql}")
    assert any(what in one.what for one in verify(path).faults)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_of_an_event_is_found(path: Path, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, EVENTS))
    with closing(sqlite3.connect(path)) as connection:
        (body,) = connection.execute("SELECT body FROM events WHERE seq = ?", (seq,)).fetchone()
        place, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
        changed = bytearray(body)
        changed[place] ^= 1 << bit
        connection.execute("UPDATE events SET body = ? WHERE seq = ?", (bytes(changed), seq))
        connection.commit()
        assert seq in [one.seq for one in verify(path).faults]
        connection.execute("UPDATE events SET body = ? WHERE seq = ?", (body, seq))
        connection.commit()
    assert verify(path).ok


def test_another_key_opens_nothing(path: Path) -> None:
    make_key(path)
    assert len(verify(path).faults) == EVENTS + 1
    key_path(path).write_text("00")
    with pytest.raises(StoreError, match="damaged: 1 bytes"):
        verify(path)


def test_an_older_copy_is_found_by_what_was_noted(original: Path, path: Path) -> None:
    with closing(Store.open(path)) as store:
        store.commit([an_append(A, comment(text="new"))])
    noted, earlier = verify(path).end, verify(original).end
    assert (noted.seq, earlier.seq) == (EVENTS + 1, EVENTS)
    assert verify(path, noted).ok
    assert verify(path, earlier).ok
    assert [one.seq for one in verify(original, noted).faults] == [EVENTS + 1]


def test_a_missing_database_is_said(tmp_path: Path) -> None:
    for act in (verify, lambda path: back_up(path, tmp_path / "copy.db")):
        with pytest.raises(StoreError, match="no database at"):
            act(tmp_path / "orket.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_a_backup_is_of_one_moment_and_can_be_opened(tmp_path: Path) -> None:
    path, copy = tmp_path / "orket.db", tmp_path / "copy.db"
    async with open_ledger(path, SteppingClock()) as ledger:
        await ledger.append(A, [accepted(), comment()], blobs=[b"one"])
        back_up(path, copy)
        await ledger.append(A, [comment()])
        with pytest.raises(StoreError, match="exists already"):
            back_up(path, copy)
    assert verify(copy).ok
    async with open_ledger(copy, SteppingClock()) as ledger:
        assert await seqs(ledger) == [1, 2]
