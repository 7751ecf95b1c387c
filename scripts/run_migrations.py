"""Bring a database up to this version of Orket: `python scripts/run_migrations.py --db PATH`.

Prints one line per migration. Exit code 0: the database is up to date; 1: it could not be migrated, or an
engine is using it; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from orket.domain.errors import StoreError
from orket.infrastructure.lock import EngineLock
from orket.infrastructure.sqlite.upkeep import migrate_database

DEFAULT = Path(".orket/durable/orket.db")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Bring a database up to this version of Orket.")
    parser.add_argument("--db", type=Path, default=DEFAULT, help="the database (default: %(default)s)")
    path: Path = parser.parse_args(arguments).db
    try:
        with EngineLock(path):
            steps = migrate_database(path)
    except StoreError as error:
        print(f"not migrated: {error}", file=sys.stderr)
        return 1
    for migration, applied in steps:
        print(f"{'Applied' if applied else 'Skipped'} {migration.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
