"""Reading a database beside its owner, and who that is."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from orket.domain.ports import LedgerReader
from orket.infrastructure.lock import LockHolder, holder
from orket.infrastructure.sqlite import open_reader as open_sqlite_reader
from orket.settings import Settings


def open_reader(settings: Settings) -> AbstractAsyncContextManager[LedgerReader]:
    """Open the ledger for reading, beside whoever owns it.

    Raises:
        StoreError: At entering: there is no database, or it is of another version.
    """
    return open_sqlite_reader(settings.db_path)


def lock_holder(settings: Settings) -> LockHolder | None:
    """Tell who owns the database now, or None.

    Raises:
        StoreError: The lock file cannot be opened.
    """
    return holder(settings.db_path)


def running_engine(settings: Settings) -> str | None:
    """Name the socket of the engine that owns the database now, or None.

    Raises:
        StoreError: The lock file cannot be opened.
    """
    held = lock_holder(settings)
    return None if held is None else held.socket
