"""A run's own sandbox on the command line: found by its name, read, ended with its run's work."""

from __future__ import annotations

from collections import deque

import attrs

from orket.domain.events import Recorded, SandboxChanged, ToolCallFinished
from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.domain.runs import RunStatus
from orket.interfaces.cli.engines import reach_engine, reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.session import person
from orket.interfaces.cli.wording import printable
from orket.orchestration.messages import PauseRun
from orket.settings import Settings

RUN_ID_CHARS, LOOKED_AT, LINES, LINES_MAX = 8, 200, 100, 10_000


async def find(settings: Settings, sandbox: str) -> RunSummary | None:
    """Find the run whose sandbox this is: by the name that the list shows; None: no run's."""
    async with reach_ledger(settings) as reach:
        named = await reach.run(RunId(sandbox[-RUN_ID_CHARS:]))
        newest = await reach.runs(limit=LOOKED_AT)
        for run in newest if named is None else (named, *newest):
            if await _is_of(reach, run.run_id, sandbox):
                return run
    return None


async def logs(settings: Settings, run: RunSummary, lines: int | None) -> Exit:
    """Print the last lines of what tool calls answered there."""
    wanted = LINES if lines is None else lines
    if not 1 <= wanted <= LINES_MAX:
        raise BadInput(f"--lines {wanted}: must be from 1 to {LINES_MAX}")
    kept, after = deque[str](maxlen=wanted), 0
    async with reach_ledger(settings) as reach:
        while page := await reach.read(run.run_id, after=after, limit=PAGE):
            kept.extend(line for one in page for line in _told(one))
            after = page[-1].seq
    out = Out()
    for line in kept:
        out.line(printable(line))
    return Exit.DONE


async def stop(settings: Settings, run: RunSummary) -> Exit:
    """Pause the run, which ends what is under way in its sandbox and lets go of it."""
    out = Out()
    if run.status is not RunStatus.RUNNING:
        out.line(f"run {run.run_id} is not at work ({run.status}): nothing is under way in its sandbox")
        return Exit.DONE
    command = PauseRun(run_id=run.run_id, by=person(), reason="its sandbox was stopped")
    async with reach_engine(attrs.evolve(settings, take_up=False)) as control:
        ticket = await control.command(command)
    out.line(f"run {run.run_id}: {ticket.status}; what was under way in its sandbox has ended")
    return Exit.DONE


def no_exec(run: RunSummary) -> BadInput:
    """Say why nobody but the run runs commands there, and what is there instead."""
    return BadInput(
        f"this is the sandbox of run {run.run_id}, where only its own calls run commands, each recorded; "
        f"see orket diff {run.run_id}, and orket workspace apply for its files in a folder of yours"
    )


async def _is_of(reach: Reach, run_id: RunId, sandbox: str) -> bool:
    if sandbox == run_id:
        return True
    after = 0
    while page := await reach.read(run_id, after=after, limit=PAGE):
        for one in page:
            if isinstance(one.event, SandboxChanged):
                return one.event.sandbox_id == sandbox  # it keeps its name
        after = page[-1].seq
    return False


def _told(recorded: Recorded) -> list[str]:
    event = recorded.event
    if isinstance(event, SandboxChanged):
        because = f": {event.reason}" if event.reason else ""
        return [f"{recorded.at:%H:%M:%S} {event.driver} {event.status}{because}"]
    if not isinstance(event, ToolCallFinished):
        return []
    sign = "ok" if event.result.ok else "failed"
    head = f"{recorded.at:%H:%M:%S} {event.call_id} {sign}, {event.result.duration_ms} ms"
    return [head, *(f"  {line}" for line in event.result.output.splitlines())]
