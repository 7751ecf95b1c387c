"""``orket workspace``: what becomes of what a run changed."""

from __future__ import annotations

from pathlib import Path

import anyio
import attrs
from cyclopts import App

from orket.domain import workspace_events as w
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.interfaces.cli.engines import is_near, reach_engine, reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.lines import workspace_line
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.session import person
from orket.interfaces.cli.wording import command_line
from orket.orchestration.messages import TendWorkspace, WorkspaceAct
from orket.wire.codec import encode
from orket.wire.views import event_view

app = App(name="workspace", help="Apply what a run changed to its project, take that back, or throw it away.")


@app.command
def apply(run: str, /, *, into: Path | None = None, as_json: Json = False, where: Where = HERE) -> int:
    """Write what a run changed into the project it works on a view of.

    Refused as a whole when the project was changed at one of the same paths since the run began. Each file is
    replaced whole; if it is cut off, the same command goes on.

    Args:
        run: The run's id, or the beginning of it.
        into: Folder the files go into, for a run without a project.
        as_json: Print the events of it, one a line.
    """
    settings = where.settings()
    named = "" if into is None else str((settings.cwd / into).resolve() if is_near(settings) else into)
    return anyio.run(_tend, where, run, WorkspaceAct.APPLY, named, None, as_json)


@app.command
def rollback(run: str, /, *, to: int | None = None, as_json: Json = False, where: Where = HERE) -> int:
    """Put the project back as it was before the run's changes were applied.

    Refused when a file was changed since it was applied.

    Args:
        run: The run's id, or the beginning of it.
        to: Take back everything that was applied after this event, not only what was applied last.
        as_json: Print the events of it, one a line.
    """
    return anyio.run(_tend, where, run, WorkspaceAct.ROLLBACK, "", to, as_json)


@app.command
def discard(run: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Delete the workspace of a run that has ended; what was applied can still be rolled back.

    Args:
        run: The run's id, or the beginning of it.
        as_json: Print the events of it, one a line.
    """
    return anyio.run(_tend, where, run, WorkspaceAct.DISCARD, "", None, as_json)


async def _tend(where: Where, name: str, act: WorkspaceAct, into: str, to: int | None, as_json: bool) -> Exit:
    settings = where.settings()
    async with reach_ledger(settings) as reach:
        known = await find_run(reach, name)  # a name that means nothing must not start an engine
    command = TendWorkspace(run_id=known.run_id, by=person(), act=act, into=into, to=to)
    # Nothing is to go on for this: whoever tends what a run left does not want another one driven.
    async with reach_engine(attrs.evolve(settings, take_up=False)) as control:
        await control.command(command)
        told = await _events_after(control, known.run_id, known.last_seq)
    out = Out()
    for one in told:
        out.line(encode(event_view(one)).decode() if as_json else workspace_line(one.event) or "")
    if not told:
        out.remark("nothing is left to do")
    elif act is WorkspaceAct.APPLY and not as_json:
        back = command_line(("workspace", "rollback", known.run_id), data_dir=where.words)
        out.remark(f"taken back with: {back}")
    return Exit.DONE


async def _events_after(reach: Reach, run_id: RunId, seq: int) -> list[Recorded]:
    found: list[Recorded] = []
    while page := await reach.read(run_id, after=found[-1].seq if found else seq, limit=PAGE):
        found.extend(page)
    return [one for one in found if isinstance(one.event, w.WorkspaceEvent)]
