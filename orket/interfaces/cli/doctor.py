"""``orket doctor``: what this machine offers, found out by trying."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import attrs
from rich.table import Table
from rich.text import Text

import orket
from orket.domain.sandboxes import ProbeReport
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import printable, size
from orket.wire import codec

# Up to this version, a checkpoint beside a writing connection could lose the reset of the write-ahead log.
_WAL_DEFECT_UNTIL = (3, 51, 2)


@attrs.frozen(kw_only=True)
class Finding:
    """One line: what was looked at, whether it is as it should be, what was found."""

    about: str
    ok: bool
    found: str
    note: str = ""


def doctor(*, as_json: Json = False, where: Where = HERE) -> int:
    """Say what is in use here: Python, SQLite, sandbox drivers (each really tried), database, running engine.

    Exit code 1 when no sandbox driver works, so that no run could.

    Args:
        as_json: Print one finding a line as JSON.
    """
    from orket.bootstrap import lock_holder, probe_sandboxes

    settings, out = where.settings(), Out()
    reports = anyio.run(probe_sandboxes, settings.environ)
    holder = lock_holder(settings)
    engine = "none is running" if holder is None else f"process {holder.pid}"
    socket = "" if holder is None or holder.socket is None else f"answers on {holder.socket}"
    findings = [
        Finding(about="orket", ok=True, found=orket.__version__),
        Finding(about="python", ok=True, found=platform.python_version(), note=sys.executable),
        sqlite(sqlite3.sqlite_version_info),
        _database(settings.db_path),
        Finding(about="engine", ok=True, found=engine, note=socket),
        *sandboxes(reports),
    ]
    if as_json:
        for one in findings:
            out.line(codec.encode(attrs.asdict(one)).decode())
    else:
        out.show(_table(findings))
    return Exit.DONE if any(one.ok for one in reports) else Exit.NOT_DONE


def sqlite(version: tuple[int, ...]) -> Finding:
    """Judge the SQLite that Python was built with."""
    found = ".".join(str(part) for part in version)
    if version > _WAL_DEFECT_UNTIL:
        return Finding(about="sqlite", ok=True, found=found)
    note = (
        "has the WAL-reset defect of versions up to 3.51.2; avoided here: exactly one connection "
        "writes and checkpoints, all others only read"
    )
    return Finding(about="sqlite", ok=True, found=found, note=note)


def sandboxes(reports: Sequence[ProbeReport]) -> list[Finding]:
    """Judge the sandbox drivers, as they were probed."""
    return [
        Finding(
            about=f"sandbox {one.driver}",
            ok=one.ok,
            found=f"level {one.level}" if one.ok else f"level {one.level}, does not work here",
            note=printable("; ".join(part for part in (one.reason, one.remedy) if part)),
        )
        for one in reports
    ]


def _database(path: Path) -> Finding:
    found = size(path.stat().st_size) if path.exists() else "not there yet; the first run makes it"
    return Finding(about="database", ok=True, found=found, note=str(path))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=max(len(one.about) for one in findings) + 2)
    table.add_column(overflow="fold")
    for one in findings:
        sign = Text("✔ ", style="green") if one.ok else Text("✖ ", style="red")
        found = Text(one.found)
        if one.note:
            found.append(f"\n{one.note}", style="dim")
        table.add_row(sign.append(one.about, style="default"), found)
    return table
