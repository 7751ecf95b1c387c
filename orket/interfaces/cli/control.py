"""``orket pause | resume | cancel | decide``: a person's word to the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import anyio
import attrs
from cyclopts import Parameter

from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict
from orket.interfaces.cli.bounds import read_budgets
from orket.interfaces.cli.engines import is_served, reach_engine, reach_ledger
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.names import find_call, find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.reach import Reach
from orket.interfaces.cli.session import person
from orket.orchestration.messages import CancelRun, DecideCall, EngineCommand, PauseRun, ResumeRun, StartRun

Make = Callable[[Reach], Awaitable[EngineCommand]]


def pause(run: str, /, *, reason: str = "", where: Where = HERE) -> int:
    """Stop a run's work now, in-flight calls included; it can be resumed.

    Args:
        run: The run's id, or the beginning of it.
        reason: Why, for the record.
    """

    async def make(reach: Reach) -> EngineCommand:
        return PauseRun(run_id=(await find_run(reach, run)).run_id, by=person(), reason=reason)

    return anyio.run(_tell, where, make)


def cancel(run: str, /, *, reason: str = "", where: Where = HERE) -> int:
    """End a run for good.

    Args:
        run: The run's id, or the beginning of it.
        reason: Why, for the record.
    """

    async def make(reach: Reach) -> EngineCommand:
        return CancelRun(run_id=(await find_run(reach, run)).run_id, by=person(), reason=reason)

    return anyio.run(_tell, where, make)


def resume(run: str, /, *, budget: tuple[str, ...] = (), as_json: Json = False, where: Where = HERE) -> int:
    """Let a paused run go on from where its ledger ends.

    With no engine running, this process becomes the engine and follows the run, as `orket run` does.

    Args:
        run: The run's id, or the beginning of it.
        budget: New bounds of the run, such as turns=40,tokens=9000; of a card, EPIC-1:turns=20; repeatable.
        as_json: When it follows the run: print one event a line, and nothing else.
    """

    return anyio.run(_resume, where, run, budget, as_json)


def decide(
    call: str,
    /,
    *,
    verdict: Annotated[HumanVerdict, Parameter(name="--as")],
    as_json: Json = False,
    where: Where = HERE,
) -> int:
    """Decide about a tool call that waits for a person; its run goes on when no other one waits.

    With no engine running, this process becomes the engine and follows the run, as `orket run` does.

    Args:
        call: The call's id, as `orket run` and `orket cards` print it.
        verdict: approve or deny a call that asks; for one in doubt, say what became of it.
        as_json: When it follows the run: print one event a line, and nothing else.
    """

    async def make(reach: Reach) -> EngineCommand:
        run_id, call_id = await find_call(reach, call)
        return DecideCall(run_id=run_id, call_id=call_id, verdict=verdict, by=person())

    return anyio.run(go_on, where, make, as_json)


async def _tell(where: Where, make: Make) -> Exit:
    """Give a command and say where the run stands afterwards."""
    settings = where.settings()
    async with reach_ledger(settings) as reach:
        command = await make(reach)  # a name that means nothing must not start an engine
    # Whoever stops a run that nobody drives does not want it driven meanwhile.
    async with reach_engine(attrs.evolve(settings, take_up=False)) as control:
        ticket = await control.command(command)
    where.session(settings).out.line(f"run {ticket.run_id}: {ticket.status}")
    return Exit.DONE


async def _resume(where: Where, name: str, bounds: Sequence[str], as_json: bool) -> Exit:
    budget, budgets = read_budgets(bounds)
    settings = where.settings()
    async with reach_ledger(settings) as reach:
        known = await find_run(reach, name)
    session = where.session(settings, as_json=as_json)
    if known.status in (RunStatus.RUNNING, RunStatus.WAITING_FOR_APPROVAL) and not is_served(settings):
        return await session.take_up(known)  # its engine is gone; ours takes it up by itself

    async def make(_: Reach) -> EngineCommand:
        return ResumeRun(run_id=known.run_id, by=person(), budget=budget, budgets=budgets)

    return await go_on(where, make, as_json)


async def go_on(where: Where, make: Make, as_json: bool) -> Exit:
    """Give a command that lets a run go on; follow it when no other engine does."""
    settings = where.settings()
    if is_served(settings):
        return await _tell(where, make)
    async with reach_ledger(settings) as reach:
        command = await make(reach)
        known = None if isinstance(command, StartRun) else await reach.run(command.run_id)
    after = 0 if known is None else known.last_seq
    return await where.session(settings, as_json=as_json).drive(command, after=after)
