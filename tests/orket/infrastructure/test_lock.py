"""One engine per database, by a lock that dies with its holder."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orket.domain.errors import StoreError, StoreLocked
from orket.infrastructure.lock import EngineLock, LockHolder, holder, lock_path

HOLD = """
import sys
from orket.infrastructure.lock import EngineLock
with EngineLock(sys.argv[1], socket="/run/orket.sock"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "durable" / "orket.db"


def test_the_lock_says_who_holds_it(database: Path) -> None:
    assert holder(database) is None
    with EngineLock(database, socket="/run/a.sock"):
        assert holder(database) == LockHolder(pid=os.getpid(), socket="/run/a.sock")
        assert stat.S_IMODE(lock_path(database).stat().st_mode) == 0o600
    assert holder(database) is None


def test_a_second_engine_is_refused_by_name(database: Path) -> None:
    with EngineLock(database, socket="/run/a.sock"):
        with pytest.raises(
            StoreLocked, match=f"process {os.getpid()}, which answers on /run/a.sock"
        ) as refused:
            EngineLock(database).__enter__()
        assert refused.value.socket == "/run/a.sock"
        assert holder(database) == LockHolder(pid=os.getpid(), socket="/run/a.sock")
    with EngineLock(database):
        assert holder(database) == LockHolder(pid=os.getpid())


def test_another_spelling_of_the_path_is_the_same_lock(database: Path, tmp_path: Path) -> None:
    database.parent.mkdir()
    database.touch()
    alias = tmp_path / "alias.db"
    alias.symlink_to(database)
    with EngineLock(database), pytest.raises(StoreLocked):
        EngineLock(alias).__enter__()


def test_a_file_left_behind_means_nothing(database: Path) -> None:
    database.parent.mkdir()
    lock_path(database).write_text('{"pid": 1, "socket": "/gone"}')
    assert holder(database) is None
    with EngineLock(database):
        assert holder(database) == LockHolder(pid=os.getpid())


def test_a_killed_holder_lets_go(database: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert holder(database) == LockHolder(pid=child.pid, socket="/run/orket.sock")
        with pytest.raises(StoreLocked, match=f"process {child.pid}"):
            EngineLock(database).__enter__()
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert holder(database) is None
        with EngineLock(database):
            pass


def test_a_childs_child_does_not_keep_the_lock(database: Path) -> None:
    with EngineLock(database):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
    try:
        assert holder(database) is None
    finally:
        child.communicate()


def test_who_only_looks_never_makes_a_start_fail(database: Path) -> None:
    """Many look while one starts and stops; every start succeeds."""
    with EngineLock(database):
        pass
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(lambda: [holder(database) for _ in range(500)]) for _ in range(3)]
        for _ in range(200):
            with EngineLock(database):
                pass
        for look in looks:
            look.result()


def test_the_same_lock_is_not_taken_twice(database: Path) -> None:
    lock = EngineLock(database)
    with lock, pytest.raises(StoreError, match="already held"):
        lock.__enter__()
    with lock:
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        EngineLock(tmp_path / "file" / "orket.db").__enter__()
