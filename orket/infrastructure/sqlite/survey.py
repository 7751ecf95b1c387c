"""What kind of database this is, and whether SQLite finds it whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from orket.domain.errors import StoreError
from orket.domain.integrity import DatabaseReport
from orket.infrastructure.sqlite.chain import read_key
from orket.infrastructure.sqlite.connections import connect_reader, store_errors
from orket.infrastructure.sqlite.schema import migrations, schema_version

PROBLEMS_MAX = 20


def inspect_database(path: Path) -> DatabaseReport:
    """Look at a database that an engine may be using. Blocks, as long as the database is.

    Raises:
        StoreError: There is none, or it is not Orket's.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}")
    known, log = migrations(), path.with_name(path.name + "-wal")
    with store_errors(path), closing(connect_reader(path)) as connection:
        schema = schema_version(connection, path, known)
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        checked = connection.execute(f"PRAGMA integrity_check({PROBLEMS_MAX})").fetchall()
        problems = [f"the file is damaged: {line}" for (line,) in checked if line != "ok"]
        broken = connection.execute("PRAGMA foreign_key_check").fetchmany(PROBLEMS_MAX)
    problems += [
        f"table {table}, row {row}: its reference to {parent} leads nowhere"
        for table, row, parent, _ in broken
    ]
    if schema < len(known):
        problems.append(f"schema {schema} of {len(known)}: run `orket db migrate`, or start the engine")
    try:
        read_key(path)
    except StoreError as error:
        problems.append(error.detail)
    return DatabaseReport(
        sqlite=sqlite3.sqlite_version,
        schema=schema,
        schema_newest=len(known),
        journal_mode=mode,
        database_bytes=path.stat().st_size,
        log_bytes=log.stat().st_size if log.exists() else 0,
        problems=tuple(problems),
    )
