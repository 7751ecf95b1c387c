"""The schema: numbered migrations, each applied once, in a transaction of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import attrs

from orket.domain.errors import StoreError
from orket.infrastructure.sqlite.connections import connect_reader

APPLICATION_ID = 0x4F726B74  # "Orkt": so that a foreign database is never migrated into ours
FOLDER = Path(__file__).with_name("migrations")


@attrs.frozen
class Migration:
    """One step of the schema; ``name`` is its file name without the ending, number included."""

    number: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """Read all migrations of this version, in order."""
    return tuple(
        Migration(number, path.stem, path.read_text(encoding="utf-8"))
        for number, path in enumerate(sorted(FOLDER.glob("*.sql")), start=1)
    )


def schema_version(connection: sqlite3.Connection, path: Path, known: Iterable[Migration]) -> int:
    """Return how many migrations the database has seen.

    Raises:
        StoreError: The database is not Orket's, or is newer than this version of Orket.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (version or tables):
        raise StoreError(f"{path} is not a database of Orket; choose another path")
    newest = max((one.number for one in known), default=0)
    if version > newest:
        raise StoreError(
            f"{path} has schema {version}, this version of Orket knows up to {newest}: upgrade Orket"
        )
    return int(version)


def version_on_disk(path: Path, known: Iterable[Migration]) -> int:
    """Return how many migrations the database at ``path`` has seen, without changing what is not ours.

    An engine that was killed while it made the database leaves a transaction to be rolled back, which takes
    a connection that may write.

    Raises:
        StoreError: As for ``schema_version``.
    """
    try:
        with closing(connect_reader(path)) as looking:
            return schema_version(looking, path, known)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as mending:
        return schema_version(mending, path, known)


def migrate(
    connection: sqlite3.Connection, path: Path, known: tuple[Migration, ...]
) -> tuple[Migration, ...]:
    """Apply what is missing and return it.

    Raises:
        StoreError: As for ``schema_version``.
    """
    version = schema_version(connection, path, known)
    missing = tuple(one for one in known if one.number > version)
    for one in missing:
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{one.sql}\n"
                f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {one.number};\nCOMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return missing
