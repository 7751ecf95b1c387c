"""Halt and release of the whole engine, as jobs of the engine: recorded first, then everything is ended.

The engine runs these one after the other, in the order in which they were asked for.

The halt stands on the ledger as the engine's own event, so it survives restarts. Runs keep their status: what
stands still because of the halt goes on where it was when the engine is released.
"""

from __future__ import annotations

from collections.abc import Iterable

import anyio

from orket.domain import events as e
from orket.domain.errors import RunConflict, StoreError
from orket.domain.halts import Halts
from orket.domain.identifiers import ENGINE, RunId
from orket.orchestration.control import Locks, StopRun, end_work
from orket.orchestration.desk import Desk
from orket.orchestration.messages import EngineTicket, HaltEngine, ReleaseEngine


async def halt(
    desk: Desk, halts: Halts, locks: Locks, stop: StopRun, m: HaltEngine, runs: Iterable[RunId]
) -> EngineTicket:
    """Stop the children of all runs, end their calls, close their sandboxes, and record the halt meanwhile.

    Work must not go on while a slow disk takes the record. A crash before it is a crash, after which the
    runs go on: nobody was told otherwise.

    Raises:
        StoreError: The halt could not be recorded; the work has been stopped all the same.
    """
    standing = tuple(runs)
    async with anyio.create_task_group() as together:
        for run_id in standing:
            together.start_soon(_end, desk, locks, stop, run_id)
        refused = await _record(desk, halts, m)
    if refused is not None:
        raise refused
    return EngineTicket(halted=True, runs=standing)


async def _record(desk: Desk, halts: Halts, m: HaltEngine) -> StoreError | None:
    """Put the halt on the ledger; a refusal must not keep the work from being stopped."""
    try:
        if await halts.standing() is None:
            await desk.ledger.append(ENGINE, [e.EngineHalted(by=m.by, reason=m.reason)])
    except StoreError as error:
        return error
    return None


async def _end(desk: Desk, locks: Locks, stop: StopRun, run_id: RunId) -> None:
    """End what a run has under way; what an earlier command about the run has begun is ended by that."""
    await stop(run_id)
    async with locks.of(run_id):
        await end_work(desk, stop, run_id)


async def release(desk: Desk, halts: Halts, m: ReleaseEngine) -> None:
    """Record that the engine goes on.

    Raises:
        RunConflict: It is not halted.
        StoreError: Nothing was recorded.
    """
    if await halts.standing() is None:
        raise RunConflict("the engine is not halted", allowed=("halt",))
    await desk.ledger.append(ENGINE, [e.EngineReleased(by=m.by)])
