"""``orket bugs [ROCK]``: the bug-fix phase of rocks that are done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import anyio

from orket.decision_nodes.house_rules import bug_fix_rules
from orket.domain.bug_fixing import Bug, BugBoard, BugFixPhase, phases
from orket.domain.errors import CardNotFound
from orket.domain.events import RunAccepted
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import Reach
from orket.interfaces.cli.replay import history
from orket.interfaces.cli.wording import counted, printable
from orket.wire import codec

_RUNS_MAX = 10_000
_DAY = "%Y-%m-%d"


def bugs(rock: str | None = None, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Show the bug-fix phase that follows when a rock is done, and the bugs found in its epics since.

    A bug is an issue of the kind bug. The phase lasts a week, and another one each time too many bugs are
    found (`process_rules`: bug_fix_initial_days, bug_fix_max_days, bug_discovery_high_rate,
    bug_critical_threshold). It is worked out from the ledger; nothing is written.

    Args:
        rock: Only this rock, with its bugs [default: all rocks, a line each].
        as_json: Print one phase a line as JSON.
    """
    return anyio.run(_bugs, where, rock, as_json)


async def _bugs(where: Where, rock: str | None, as_json: bool) -> Exit:
    out, board = Out(), BugBoard()
    async with reach_ledger(where.settings()) as reach:
        await _fill(board, reach)
    rules = {name: bug_fix_rules(house) for name, house in board.houses.items()}
    found = [one for one in phases(board, rules, datetime.now(UTC)) if rock in (None, one.rock_id)]
    if rock is not None and not found:
        known = ", ".join(board.done_at) or "none"
        raise CardNotFound(f"no run has finished a rock {rock!r}; rocks that are done: {known}")
    for phase in found:
        for line in [codec.encode(phase).decode()] if as_json else _told(phase, whole=rock is not None):
            out.line(line)
    if not found and not as_json:
        out.remark("no rock is done yet, so there is no bug-fix phase")
    return Exit.DONE


async def _fill(board: BugBoard, reach: Reach) -> None:
    """Read the runs of rocks, and those of their epics: only they can hold a rock's bugs."""
    runs = [one.run_id for one in await reach.runs(limit=_RUNS_MAX)]
    first = {run_id: page[0].event for run_id in runs if (page := await reach.read(run_id, after=0, limit=1))}
    accepted = {run_id: event for run_id, event in first.items() if isinstance(event, RunAccepted)}
    rocks = [one for one in accepted.values() if one.workload.rock is not None]
    epics = {epic.card.id for one in rocks for epic in one.workload.epics}
    for run_id, one in accepted.items():
        if epics & {epic.card.id for epic in one.workload.epics}:
            for recorded in await history(reach, run_id):
                board.take(recorded)


def _told(phase: BugFixPhase, *, whole: bool) -> Iterator[str]:
    end = phase.actual_end or phase.scheduled_end
    ends = "ended" if phase.actual_end else "ends"
    yield (
        f"{printable(phase.rock_id)}  {phase.status}, began {phase.started_at:{_DAY}}, {ends} {end:{_DAY}}:"
        f" {counted(len(phase.bugs), 'bug')}, {phase.open_bugs} open, {phase.critical_bugs} critical"
    )
    if not whole:
        return
    today = f"{phase.found_today} found, {phase.fixed_today} fixed"
    yield f"  rate {phase.rate:.1f} a day; last 24 hours: {today}"
    for one in phase.extensions:
        yield f"  extended by {counted(one.added_days, 'day')} on {one.at:{_DAY}}: {one.reason}"
    for bug in phase.bugs:
        yield f"  {_bug(bug)}"
    if phase.phase2:
        yield f"  bugs are left: a second rock should follow, {printable(phase.phase2)}"


def _bug(bug: Bug) -> str:
    state = "open" if bug.closed_at is None else f"closed {bug.closed_at:{_DAY}}"
    critical = ", critical" if bug.is_critical else ""
    named = f"{printable(bug.card_id)} {printable(bug.name)}"
    return f"{named}: found {bug.found_at:{_DAY}} in run {bug.run_id}, {state}{critical}"
