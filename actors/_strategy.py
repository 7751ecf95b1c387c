"""Carrying out what supervision decides: the decisions themselves are in ``_supervision``."""

from collections import deque
from typing import Any

import anyio

from actors._cell import DOWN, RUNNING, STARTING, STOPPED, Cell, Kind, Signal
from actors._messages import Exit
from actors._rare import Rare, own
from actors._supervision import GiveUp, Policy, RestartChildren, decide, restarts_alone
from actors._words import shown, told
from actors.errors import RestartLimit


def report(cell: Cell, reason: Exit, failure: BaseException | None, item: Any) -> None:
    """Tell the parent that ``cell`` is down and why; it decides now or after its present work."""
    parent = cell.parent
    assert parent is not None
    if cell.ending or parent.ending:
        cell.ending = True
        cell.post(Signal(Kind.STOP, reason))
        return
    theirs = own(parent)
    if theirs.falling:
        return
    if theirs.sequence or parent.state is STARTING:
        theirs.failed = [*(theirs.failed or ()), (cell, reason, failure, item)]
    elif parent.state is RUNNING:
        judge(parent, cell, reason, failure, item)


def catch_up(parent: Cell) -> None:
    """Decide about the children that failed while the parent was busy."""
    while parent.failed and not parent.sequence and parent.state is RUNNING:
        cell, reason, failure, item = parent.failed.pop(0)
        if cell.state is DOWN:
            judge(parent, cell, reason, failure, item)


def judge(parent: Cell, cell: Cell, reason: Exit, failure: BaseException | None, item: Any) -> None:
    """Ask for the decision and carry it out."""
    kernel, policy, mine, theirs = parent.kernel, parent.policy, own(cell), own(parent)
    now = kernel.loop.now()
    if restarts_alone(policy, cell.spec, reason, theirs.history or (), now):
        mine.failures += 1
        mine.restarts += 1
        remember(theirs, policy, now)
        cell.launch()
        return
    siblings = (cell,) if policy.strategy == "one_for_one" else parent.offspring()
    decision = decide(
        policy,
        cell.spec,
        reason,
        index=0 if len(siblings) == 1 else position(siblings, cell),
        count=len(siblings),
        history=theirs.history or (),
        failures=mine.failures,
        lived=now - cell.since,
        now=now,
        draw=0.5 if cell.spec.backoff is None else kernel.random.random(),
    )
    if decision.__class__ is RestartChildren:
        mine.failures = decision.failures
        mine.restarts += 1
        remember(theirs, policy, now)
        _restart(parent, cell, decision, siblings)
    elif decision.__class__ is GiveUp:
        parent.post(Signal(Kind.CRASH, failure=given_up(parent, cell, failure, item)))
    else:
        cell.post(Signal(Kind.STOP, reason))


def position(siblings: tuple[Cell, ...], cell: Cell) -> int:
    """Where ``cell`` stands in the start order."""
    return next(at for at, child in enumerate(siblings) if child is cell)


def remember(theirs: Rare, policy: Policy, now: float) -> None:
    """Add a restart to the parent's history, and drop those that no longer count."""
    restarts_max, period_s = policy.intensity
    history = theirs.history
    if history is None:
        history = theirs.history = deque()
    history.append(now)
    while len(history) > restarts_max or now - history[0] >= period_s:
        history.popleft()


def given_up(parent: Cell, cell: Cell, failure: BaseException | None, item: Any) -> RestartLimit:
    """The failure of a supervisor, with notes that tell which child, message and how often."""
    error = RestartLimit(parent.path, *parent.policy.intensity)
    error.__cause__ = failure
    during = f" while handling {shown(item)}" if item is not None else ""
    how = f"failed{during}: {told(failure)}" if failure is not None else "ended by itself"
    error.add_note(f"{cell.path} {how}")
    error.add_note(f"restarts of {cell.path}: {cell.restarts}")
    return error


def _restart(parent: Cell, cell: Cell, decision: RestartChildren, siblings: tuple[Cell, ...]) -> None:
    kernel = parent.kernel
    if len(decision.indexes) > 1:
        parent.sequence = True
        group = tuple(siblings[index] for index in decision.indexes)
        kernel.start_task(_restart_group, parent, group, decision.delay, cell)
    elif decision.delay:
        generation = cell.generation

        def start() -> None:
            if cell.state is DOWN and cell.generation == generation:
                cell.launch()

        kernel.sweeper.call_at(kernel.loop.now() + decision.delay, start)
    else:
        cell.launch()


async def _restart_group(parent: Cell, group: tuple[Cell, ...], delay: float, failed: Cell) -> None:
    """Stop the group in reverse order, wait, and start it in order, one at a time."""
    try:
        for cell in reversed(group):
            if cell is not failed:
                await _stop_one(cell)
        with anyio.move_on_after(delay):
            await parent.until(DOWN, STOPPED)
        for cell in group:
            if parent.state is not RUNNING or parent.ending:
                return
            if cell.state is DOWN and not await cell.attempt():
                return
    finally:
        parent.sequence = False
        catch_up(parent)


async def _stop_one(cell: Cell) -> None:
    """Stop one member of a group: for good when it is temporary, else until its restart."""
    reason = Exit("shutdown")
    if cell.spec.restart == "temporary":
        cell.ending = True
        cell.post(Signal(Kind.STOP, reason))
        await cell.surely(STOPPED)
    elif cell.state is not DOWN:
        cell.post(Signal(Kind.DOWN, reason))
        await cell.surely(DOWN, STOPPED)
