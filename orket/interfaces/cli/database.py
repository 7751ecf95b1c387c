"""``orket db check | backup | migrate``: upkeep of the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, Parameter

from orket.bootstrap.database import back_up_database, migrate_database
from orket.bootstrap.database import inspect_database as inspect
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import printable, size
from orket.wire import codec

app = App(name="db", help="Look after the database.")


@app.command
def check(*, as_json: Json = False, where: Where = HERE) -> int:
    """Say whether SQLite finds the database whole, and whether this version can use it.

    An engine may be running. Exit code 1 when there is a problem. Whether anybody changed what is recorded is
    another question: see `orket ledger verify`.

    Args:
        as_json: Print the report as JSON.
    """
    settings, out = where.settings(), Out()
    report = inspect(settings)
    if as_json:
        out.line(codec.encode(attrs.asdict(report)).decode())
    else:
        for problem in report.problems:
            out.line(f"✘ {printable(problem)}")
        sizes = f"{size(report.database_bytes)} and {size(report.log_bytes)} of log"
        out.line(
            f"{'✘' if report.problems else '✔'} {settings.db_path}: schema {report.schema} of "
            f"{report.schema_newest}, {sizes}, {report.journal_mode}, SQLite {report.sqlite}"
        )
    return Exit.NOT_DONE if report.problems else Exit.DONE


@app.command
def backup(
    to: Annotated[Path, Parameter(help="The file to write; it must not exist.")], /, *, where: Where = HERE
) -> int:
    """Copy the database and its key as of one moment; an engine may be running."""
    back_up_database(where.settings(), to)
    Out().line(f"backed up to {to}, its key to {to}.key; check it with: orket db check, orket ledger verify")
    return Exit.DONE


@app.command
def migrate(*, where: Where = HERE) -> int:
    """Bring the database up to this version, or make it; no engine may be running."""
    out = Out()
    for name, applied in migrate_database(where.settings()):
        out.line(f"{'applied' if applied else 'was there'}  {name}")
    return Exit.DONE
