"""Upkeep of a database: migrate it, back it up. These block; call them from a worker thread or a script."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from orket.domain.errors import StoreError
from orket.infrastructure.sqlite.chain import copy_key
from orket.infrastructure.sqlite.connections import connect_reader, store_errors
from orket.infrastructure.sqlite.schema import Migration, migrations, version_on_disk
from orket.infrastructure.sqlite.store import Store


def migrate_database(path: Path) -> tuple[tuple[Migration, bool], ...]:
    """Bring a database up to this version, or make it; tell of each migration whether it was applied now.

    The caller holds the ``EngineLock``.

    Raises:
        StoreError: The database cannot be opened, or was written by a newer Orket.
    """
    known, version = migrations(), 0
    if path.exists() and path.stat().st_size:
        with store_errors(path):
            version = version_on_disk(path, known)
    Store.open(path).close()
    return tuple((one, one.number > version) for one in known)


def back_up(path: Path, target: Path) -> None:
    """Copy a database and its key to ``target``, as of one moment; an engine may be writing meanwhile.

    Raises:
        StoreError: There is no database, ``target`` exists, or copying failed; ``target`` was not made.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}")
    if target.exists():
        raise StoreError(f"{target} exists already: name a new file")
    draft = target.with_name(target.name + ".new")
    with store_errors(target):
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with closing(connect_reader(path)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        copy_key(path, target)
        os.replace(draft, target)
