"""``orket halt | release``: a person's word about the engine as a whole."""

from __future__ import annotations

import anyio
import attrs

from orket.interfaces.cli.engines import reach_engine
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.options import HERE, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.session import person
from orket.interfaces.cli.wording import command_line, counted
from orket.orchestration.messages import EngineTicket, HaltCommand, HaltEngine, ReleaseEngine


def halt(*, reason: str = "", where: Where = HERE) -> int:
    """End all work of the engine now, in-flight calls included; no run starts or goes on until its release.

    The halt is recorded: engines that are started later stand still too.

    Args:
        reason: Why, for the record.
    """
    return anyio.run(_halt, where, reason)


def release(*, where: Where = HERE) -> int:
    """Let a halted engine work again: its runs go on from where they stood.

    With no engine running, it is only recorded; the runs go on with the next engine.
    """
    return anyio.run(_release, where)


async def _halt(where: Where, reason: str) -> Exit:
    ticket = await _tell(where, HaltEngine(by=person(), reason=reason))
    out = Out()
    out.line(f"engine halted: {counted(len(ticket.runs), 'running run')} held still")
    out.remark(f"nothing starts here until: {command_line(('release',), data_dir=where.words)}")
    return Exit.DONE


async def _release(where: Where) -> Exit:
    ticket = await _tell(where, ReleaseEngine(by=person()))
    Out().line(f"engine released: {counted(len(ticket.runs), 'run')} to go on")
    return Exit.DONE


async def _tell(where: Where, command: HaltCommand) -> EngineTicket:
    # Whoever halts what nobody drives does not want it driven meanwhile.
    async with reach_engine(attrs.evolve(where.settings(), take_up=False)) as control:
        return await control.system(command)
