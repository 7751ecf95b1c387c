"""The database from outside: checking, exporting, copying, migrating it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orket.domain.integrity import Anchor, DatabaseReport, LedgerReport
from orket.infrastructure.lock import EngineLock
from orket.infrastructure.sqlite.chain import read_key_file
from orket.infrastructure.sqlite.export import Sink, verify_export
from orket.infrastructure.sqlite.export import export as export_sqlite
from orket.infrastructure.sqlite.survey import inspect_database as inspect_sqlite
from orket.infrastructure.sqlite.upkeep import back_up as back_up_sqlite
from orket.infrastructure.sqlite.upkeep import migrate_database as migrate_sqlite
from orket.infrastructure.sqlite.verify import verify as verify_sqlite
from orket.settings import Settings


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
