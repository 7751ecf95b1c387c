"""The database from outside: reading beside its owner, checking, copying, migrating it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from orket.domain.integrity import Anchor, DatabaseReport, LedgerReport
from orket.domain.ports import LedgerReader
from orket.infrastructure.lock import EngineLock, LockHolder, holder
from orket.infrastructure.sqlite import Sink, read_key_file, verify_export
from orket.infrastructure.sqlite import back_up as back_up_sqlite
from orket.infrastructure.sqlite import export as export_sqlite
from orket.infrastructure.sqlite import inspect_database as inspect_sqlite
from orket.infrastructure.sqlite import migrate_database as migrate_sqlite
from orket.infrastructure.sqlite import open_reader as open_sqlite_reader
from orket.infrastructure.sqlite import verify as verify_sqlite
from orket.settings import Settings


def open_reader(settings: Settings) -> AbstractAsyncContextManager[LedgerReader]:
    """Open the ledger for reading, beside whoever owns it.

    Raises:
        StoreError: At entering: there is no database, or it is of another version.
    """
    return open_sqlite_reader(settings.db_path)


def verify_ledger(settings: Settings, anchor: Anchor | None = None) -> LedgerReport:
    """Check every event, blob and list of the ledger, an engine may be using it. Blocks.

    Raises:
        StoreError: There is no database, no key, or it cannot be read at all.
    """
    return verify_sqlite(settings.db_path, anchor)


def export_ledger(settings: Settings, to: Sink, *, blobs: bool = False) -> Anchor:
    """Write the ledger as lines that can be verified elsewhere. Blocks.

    Raises:
        StoreError: There is no database, no key, or it cannot be read.
        OSError: It cannot be written.
    """
    return export_sqlite(settings.db_path, to, blobs=blobs)


def verify_exported(
    lines: Iterable[bytes], key_file: Path | None = None, anchor: Anchor | None = None
) -> LedgerReport:
    """Check an export: with the database's key file all of it, without only for damage. Blocks.

    Raises:
        StoreError: The key file cannot be read.
    """
    return verify_export(lines, None if key_file is None else read_key_file(key_file), anchor)


def inspect_database(settings: Settings) -> DatabaseReport:
    """Say what kind of database this is, and whether it is whole. Blocks.

    Raises:
        StoreError: There is none, or it is not Orket's.
    """
    return inspect_sqlite(settings.db_path)


def back_up_database(settings: Settings, target: Path) -> None:
    """Copy the database and its key, as of one moment; an engine may be using it. Blocks.

    Raises:
        StoreError: There is none, ``target`` exists, or copying failed.
    """
    back_up_sqlite(settings.db_path, target)


def migrate_database(settings: Settings) -> tuple[tuple[str, bool], ...]:
    """Bring the database up to this version, or make it; name each migration, and whether it was due. Blocks.

    Raises:
        StoreLocked: An engine is using it.
        StoreError: It cannot be opened, or was written by a newer Orket.
    """
    with EngineLock(settings.db_path):
        return tuple((one.name, applied) for one, applied in migrate_sqlite(settings.db_path))


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
