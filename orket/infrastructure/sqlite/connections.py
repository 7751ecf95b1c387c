"""Connections: the one that writes and those that only read, and SQLite's errors in our words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orket.domain.errors import StoreCorrupt, StoreError

BUSY_TIMEOUT_MS = 5000
# Left alone, each connection fills 2 MB. The system caches the file anyway, and what is looked at again and
# again, the inner pages of the indexes, is far less.
WRITER_CACHE_KIB, READER_CACHE_KIB = 256, 128
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ``StoreError`` and ``StoreCorrupt`` naming the database."""
    try:
        yield
    except sqlite3.Error as error:
        raise as_store_error(error, path) from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error


def as_store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Say an SQLite error in our words."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    cls = StoreCorrupt if code in _CORRUPT else StoreError
    return cls(f"{path}: {error}")


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the connection that writes and checkpoints, and make the database if there is none.

    There must be one per database: that no other connection ever checkpoints is what keeps clear of the
    WAL-reset defect of SQLite up to 3.51.2.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))  # prompts are nobody else's
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path}: this file system does not allow SQLite's WAL mode (got {mode})")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
        connection.execute("PRAGMA trusted_schema = OFF")
    except (sqlite3.Error, StoreError):
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that can only read, and never checkpoints."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
