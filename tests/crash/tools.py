"""Tools whose every effect is a line in a journal with the call's id, written by a command in the sandbox."""

from __future__ import annotations

import os

from orket.domain.errors import ToolError
from orket.domain.tools import Finding, Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, Probed, Tool, ToolContext, declare, done
from orket.services.tools.toolbox import TOOLBOX, Toolbox, make_toolbox
from orket.services.tools.workbench import Workbench
from tests.crash import moments as at
from tests.crash.moments import Moments

JOURNAL = "journal"
JOURNAL_BYTES_MAX = 1_000_000
DID, UNDID = "+", "-"
RECOVERIES = {
    "mark_again": Recovery.IDEMPOTENT,
    "mark_probed": Recovery.PROBE,
    "mark_undone": Recovery.COMPENSATE,
    "mark_asked": Recovery.ASK_HUMAN,
    "mark_approved": Recovery.PROBE,
}
MARKS = tuple(RECOVERIES)

# One short append is one write, so lines of parallel calls do not mix.
_APPEND = 'echo "$1" >> journal'
_KILL = 'kill -9 "$2"'
# What would end the command with its engine is held up, as on a machine that is busy elsewhere.
_PRESS_ON, _LET_GO = 'kill -STOP "$PPID"', 'kill -CONT "$PPID"'


class MarkArguments(Arguments):
    """What is marked; it only makes calls differ."""

    what: str


def toolbox(moments: Moments) -> Toolbox:
    """The usual tools and the journalling ones."""
    marks = (_mark(name, recovery, moments) for name, recovery in RECOVERIES.items())
    return make_toolbox((*TOOLBOX.values(), *marks))


def balance(journal: str, call_id: str) -> int:
    """Count the effects of a call that were not undone."""
    lines = journal.splitlines()
    return lines.count(f"{DID} {call_id}") - lines.count(f"{UNDID} {call_id}")


def _mark(name: str, recovery: Recovery, moments: Moments) -> Tool[MarkArguments]:
    async def act(args: MarkArguments, context: ToolContext, bench: Workbench) -> ToolResult:
        moments.reach(at.INTENT)
        script = _APPEND
        if moments.due(at.EFFECT_BEGUN):
            script = f"{_KILL}; {_APPEND}"
        if moments.due(at.EFFECT_DONE):
            script = f"{_APPEND}; {_KILL}; sleep 5"
        if moments.due(at.EFFECT_LATE):
            script = f"{_PRESS_ON}; {_KILL}; sleep 0.4; {_APPEND}; {_LET_GO}"
        await _append(bench, script, f"{DID} {context.call.id}")
        moments.reach(at.RECEIPT)
        return done(marked=args.what)

    async def probe(args: MarkArguments, context: ToolContext, bench: Workbench) -> Probed:
        moments.reach(at.PROBE)
        found = balance(await _read(bench), context.call.id)
        finding = Finding.HAPPENED if found else Finding.DID_NOT_HAPPEN
        return Probed(finding=finding, evidence=f"{found} line(s) in the journal")

    async def compensate(args: MarkArguments, context: ToolContext, bench: Workbench) -> None:
        for _ in range(balance(await _read(bench), context.call.id)):
            await _append(bench, _APPEND, f"{UNDID} {context.call.id}")
        moments.reach(at.UNDONE)

    return declare(
        act,
        MarkArguments,
        name=name,
        description="Write a line in the journal.",
        permissions=(Permission.RUN_COMMANDS,),
        recovery=recovery,
        probe=probe,
        compensate=compensate,
    )


async def _append(bench: Workbench, script: str, line: str) -> None:
    told = await bench.run(("sh", "-c", script, "sh", line, str(os.getpid())))
    if told.exit_code != 0:
        raise ToolError(f"the journal was not written: {told.end}, {told.stderr!r}")


async def _read(bench: Workbench) -> str:
    try:
        return (await bench.read(JOURNAL, bytes_max=JOURNAL_BYTES_MAX)).decode()
    except ToolError as error:
        if error.code == "not_found":
            return ""
        raise
