"""``orket approvals | approve | deny``: what waits for a person, and the person's word."""

from __future__ import annotations

import anyio
from rich.table import Table
from rich.text import Text

from orket.domain.errors import RunConflict
from orket.domain.runs import FINAL_RUN, RunState
from orket.domain.tools import HumanVerdict
from orket.domain.waiting import Waiting, named, waiting_for_person
from orket.interfaces.cli.control import go_on
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.session import person
from orket.interfaces.cli.wording import command_line, printable
from orket.orchestration.messages import DecideCall, EngineCommand
from orket.wire import codec
from orket.wire.views import approval_view

_RUNS_MAX = 10_000
_LISTED_MAX = 10
_ARGUMENTS_CHARS = 60


def approvals(*, as_json: Json = False, where: Where = HERE) -> int:
    """List the tool calls that wait for a person, in all runs that have not ended.

    Args:
        as_json: Print one a line as JSON, arguments whole.
    """
    return anyio.run(_approvals, where, as_json)


def approve(name: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Let a call act, once and exactly as it is asked; the gate judges it again before it does.

    With no engine running, this process becomes the engine and follows the run, as `orket run` does.

    Args:
        name: As `orket approvals` lists it, or the call's id; the beginning is enough.
        as_json: When it follows the run: print one event a line, and nothing else.
    """
    return anyio.run(_decide, where, name, HumanVerdict.APPROVE, as_json)


def deny(name: str, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Tell a seat that its call may not act; the run goes on without it.

    With no engine running, this process becomes the engine and follows the run, as `orket run` does.

    Args:
        name: As `orket approvals` lists it, or the call's id; the beginning is enough.
        as_json: When it follows the run: print one event a line, and nothing else.
    """
    return anyio.run(_decide, where, name, HumanVerdict.DENY, as_json)


async def _approvals(where: Where, as_json: bool) -> Exit:
    out = Out()
    async with reach_ledger(where.settings()) as reach:
        found = await waiting(reach)
    if as_json:
        for one in found:
            out.line(codec.encode(approval_view(one)).decode())
    elif found:
        out.show(_table(found))
        example = command_line(("approve", found[0].id), data_dir=where.words)
        out.remark(f"decide with, for example: {example}")
    else:
        out.remark("nothing waits for a person")
    return Exit.DONE


async def _decide(where: Where, name: str, verdict: HumanVerdict, as_json: bool) -> Exit:
    async def make(reach: Reach) -> EngineCommand:
        call = _only(named(await waiting(reach), name), name).call.call
        return DecideCall(run_id=call.run_id, call_id=call.id, verdict=verdict, by=person())

    return await go_on(where, make, as_json)


async def waiting(reach: Reach) -> tuple[Waiting, ...]:
    """Find what waits for a person in the runs that have not ended."""
    found: list[Waiting] = []
    for run in await reach.runs(limit=_RUNS_MAX):
        if run.status not in FINAL_RUN:
            state = RunState(run_id=run.run_id)
            while page := await reach.read(run.run_id, after=state.last_seq, limit=PAGE):
                for recorded in page:
                    state.apply_recorded(recorded)
            found.extend(waiting_for_person(state))
    return tuple(found)


def _only(found: tuple[Waiting, ...], name: str) -> Waiting:
    if not name:
        raise BadInput("name a call as `orket approvals` lists it")
    if not found:
        raise RunConflict(f"nothing that begins with {name!r} waits for a person; see: orket approvals")
    if len(found) > 1:
        listed = ", ".join(f"{one.id} ({one.call.call.id})" for one in found[:_LISTED_MAX])
        raise BadInput(f"{len(found)} calls begin with {name!r}: {listed}; give more of the name")
    return found[0]


def _table(found: tuple[Waiting, ...]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("id", "call", "seat", "tool", "why", "arguments"):
        table.add_column(no_wrap=name in ("id", "tool"), overflow="fold")
    for one in found:
        state = one.call
        why = state.doubt or ("" if state.decision is None else state.decision.reason)
        arguments = printable(state.call.arguments_json, chars_max=_ARGUMENTS_CHARS)
        cells = (one.id, state.call.id, one.seat, state.call.tool, printable(why), arguments)
        table.add_row(*(Text(cell) for cell in cells))
    return table
