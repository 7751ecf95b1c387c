"""``orket sandbox``: which levels keep their word here, and what became of the sandboxes of the runs."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import attrs
from cyclopts import App
from rich.table import Table
from rich.text import Text

from orket.domain.events import Recorded, SandboxChanged
from orket.domain.identifiers import RunId
from orket.domain.sandboxes import ProbeReport
from orket.interfaces.cli import projects
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.wording import printable
from orket.wire import codec

app = App(
    name="sandbox",
    help="What works here, what became of each sandbox, and stacks for projects.",
)

app.command(projects.create)
app.command(projects.show)
app.command(projects.logs)
app.command(projects.execute, name="exec")
app.command(projects.renew)
app.command(projects.stop)
app.command(projects.delete)


@app.command
def doctor(*, as_json: Json = False) -> int:
    """Try every sandbox level of this machine and print what it states, or why it cannot be had.

    Exit code 1 when none works, so that no run could.

    Args:
        as_json: Print one level a line as JSON.
    """
    from orket.bootstrap import probe_sandboxes

    out, reports = Out(), anyio.run(probe_sandboxes, HERE.settings().environ)
    if as_json:
        for one in reports:
            out.line(codec.encode(attrs.asdict(one)).decode())
    else:
        out.show(_levels(reports))
    return Exit.DONE if any(one.ok for one in reports) else Exit.NOT_DONE


@app.command(name="list")
def list_(*, limit: int = 20, as_json: Json = False, where: Where = HERE) -> int:
    """List the project sandboxes, and the sandboxes of the newest runs with the level each run got.

    Args:
        limit: How many runs at most.
        as_json: Print one sandbox a line as JSON.
    """
    if limit < 1:
        raise BadInput(f"--limit {limit}: must be at least 1")
    return anyio.run(_list, where, limit, as_json)


async def _list(where: Where, limit: int, as_json: bool) -> Exit:
    out = Out()
    async with reach_ledger(where.settings()) as reach:
        found = [one for run in await reach.runs(limit=limit) for one in await _of(reach, run.run_id)]
    kept = await projects.recorded(where.settings())
    if as_json:
        for project in kept:
            out.line(codec.encode(project).decode())
        for run_id, changed in found:
            out.line(codec.encode({"run_id": run_id, **attrs.asdict(changed)}).decode())
    elif found or kept:
        if kept:
            out.show(projects.table(kept))
        if found:
            out.show(_sandboxes(found))
    else:
        out.remark("no sandboxes here yet")
    return Exit.DONE


async def _of(reach: Reach, run_id: RunId) -> list[tuple[RunId, SandboxChanged]]:
    """The last that was recorded of each sandbox of a run."""
    last: dict[str, SandboxChanged] = {}
    after = 0
    while page := await reach.read(run_id, after=after, limit=PAGE):
        last |= _changes(page)
        after = page[-1].seq
    return [(run_id, one) for one in last.values()]


def _changes(page: Sequence[Recorded]) -> dict[str, SandboxChanged]:
    events = [one.event for one in page]
    return {event.sandbox_id: event for event in events if isinstance(event, SandboxChanged)}


def _levels(reports: Sequence[ProbeReport]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in reports:
        sign = Text("✔ ", style="green") if one.ok else Text("✖ ", style="red")
        name = sign.append(f"{one.level} {one.driver}", style="default")
        lines = one.states if one.ok else (one.reason, one.remedy)
        table.add_row(name, Text("\n".join(printable(line) for line in lines)))
    return table


def _sandboxes(found: Sequence[tuple[RunId, SandboxChanged]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("run", "sandbox", "level", "status", "reason"):
        table.add_column(no_wrap=name != "reason")
    for run_id, one in found:
        level = f"{one.level} {printable(one.driver)}"
        table.add_row(run_id, printable(one.sandbox_id), level, one.status, Text(printable(one.reason)))
    return table
