"""One engine per database: an operating-system lock beside it that says who holds it and where to reach it.

The lock is ``flock`` on ``<database>.lock``. The system lets go of it when the holder dies, however it dies,
so a file that is left behind means nothing; the file itself is never removed.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs
import msgspec

from orket.domain.errors import StoreError, StoreLocked

_TRIES_MAX = 1000
_TRY_INTERVAL_S = 0.001
_TEXT_BYTES_MAX = 65_536


@attrs.frozen(kw_only=True)
class LockHolder:
    """Who holds a lock; a part is None while the holder has not said it."""

    pid: int | None = None
    socket: str | None = None


def lock_path(db_path: str | os.PathLike[str]) -> Path:
    """Name the lock file of a database, the same for every way to spell the database's path."""
    real = Path(os.path.realpath(db_path))
    return real.with_name(real.name + ".lock")


def holder(db_path: str | os.PathLike[str]) -> LockHolder | None:
    """Tell who holds the lock of a database right now, or None.

    Raises:
        StoreError: The lock file cannot be opened.
    """
    path = lock_path(db_path)
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        return _read(file) if _is_held(file) else None
    finally:
        os.close(file)


class EngineLock:
    """Holds the lock of a database while its block runs.

    Args:
        db_path: The database; folders that are missing are made.
        socket: The Unix socket on which the holder will answer, if it will.
    """

    def __init__(self, db_path: str | os.PathLike[str], *, socket: str | None = None) -> None:
        self._path, self._socket = lock_path(db_path), socket
        self._file: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StoreLocked: Another engine holds it; names its process and socket.
            StoreError: The lock file cannot be made.
        """
        if self._file is not None:
            raise StoreError(f"{self._path} is already held by this lock")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Closed on exec: a child process must not keep the lock of an engine that died.
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
        try:
            _take(file, self._path)
            _write(file, LockHolder(pid=os.getpid(), socket=self._socket))
        except (StoreError, OSError):
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None


def _take(file: int, path: Path) -> None:
    """Lock ``file`` for one holder.

    Who only looks holds the lock shared for a moment, which must not make a start fail: a refusal counts
    when not even a shared lock is to be had.
    """
    for _ in range(_TRIES_MAX):
        if _try(file, fcntl.LOCK_EX):
            return
        if _is_held(file):
            break
        time.sleep(_TRY_INTERVAL_S)  # somebody looks, which takes them a system call or two
    found = _read(file)
    who = "another engine" if found.pid is None else f"process {found.pid}"
    where = f", which answers on {found.socket}" if found.socket else ""
    raise StoreLocked(f"the database of {path} is in use by {who}{where}", socket=found.socket)


def _is_held(file: int) -> bool:
    if _try(file, fcntl.LOCK_SH):
        fcntl.flock(file, fcntl.LOCK_UN)
        return False
    return True


def _try(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: int) -> LockHolder:
    try:
        return msgspec.json.decode(os.pread(file, _TEXT_BYTES_MAX, 0), type=LockHolder)
    except msgspec.MsgspecError:
        return LockHolder()  # it has the lock and has not written yet


def _write(file: int, said: LockHolder) -> None:
    text = msgspec.json.encode(said)
    os.ftruncate(file, 0)
    os.pwrite(file, text, 0)
