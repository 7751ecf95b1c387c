"""Halt and release of the whole engine, as jobs of the engine: recorded first, then everything is ended.

The engine runs these one after the other, in the order in which they were asked for.

The halt stands on the ledger as the engine's own event, so it survives restarts. Runs keep their status: what
stands still because of the halt goes on where it was when the engine is released.
"""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from orket.domain import events as e
from orket.domain.errors import RunConflict
from orket.domain.identifiers import ENGINE, RunId
from orket.domain.ports import LedgerReader
from orket.orchestration.control import PAGE, Locks, StopRun, settle_calls
from orket.orchestration.desk import Desk
from orket.orchestration.messages import EngineTicket, HaltEngine, ReleaseEngine
from orket.services.sandbox_messages import CloseSandbox


async def standing_halt(ledger: LedgerReader) -> e.EngineHalted | None:
    """Read from the ledger whether the engine is halted, and by what."""
    found: e.EngineHalted | None = None
    after = 0
    while page := await ledger.read(ENGINE, after=after, limit=PAGE):
        for recorded in page:
            found = recorded.event if isinstance(recorded.event, e.EngineHalted) else None
        after = page[-1].seq
    return found


async def halt(desk: Desk, locks: Locks, stop: StopRun, m: HaltEngine, runs: Iterable[RunId]) -> EngineTicket:
    """Record the halt, stop the children of all runs, then end their calls and close their sandboxes.

    Raises:
        StoreError: The halt could not be recorded; nothing was ended.
    """
    standing = tuple(runs)
    if await standing_halt(desk.ledger) is None:
        await desk.ledger.append(ENGINE, [e.EngineHalted(by=m.by, reason=m.reason)])
    async with anyio.create_task_group() as together:
        for run_id in standing:
            together.start_soon(stop, run_id)
    async with anyio.create_task_group() as together:
        for run_id in standing:
            together.start_soon(_end, desk, locks, stop, run_id)
    return EngineTicket(halted=True, runs=standing)


async def _end(desk: Desk, locks: Locks, stop: StopRun, run_id: RunId) -> None:
    """End what a run has under way; a command about the run that came before has its turn first."""
    async with locks.of(run_id):
        await stop(run_id)
        await settle_calls(desk, run_id)
        await desk.sandboxes.ask(CloseSandbox(run_id=run_id))


async def release(desk: Desk, m: ReleaseEngine) -> None:
    """Record that the engine goes on.

    Raises:
        RunConflict: It is not halted.
        StoreError: Nothing was recorded.
    """
    if await standing_halt(desk.ledger) is None:
        raise RunConflict("the engine is not halted", allowed=("halt",))
    await desk.ledger.append(ENGINE, [e.EngineReleased(by=m.by)])
