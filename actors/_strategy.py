"""Carrying out what supervision decides: the decisions themselves are in ``_supervision``."""

from collections import deque
from typing import Any

import anyio

from actors._cell import Cell, Kind, Signal, State
from actors._messages import Exit
from actors._rare import own
from actors._supervision import (
    Finish,
    Forget,
    GiveUp,
    RestartChildren,
    decide,
)
from actors.errors import RestartLimit


def report(cell: Cell, reason: Exit, failure: BaseException | None, item: Any) -> None:
    """Tell the parent that ``cell`` is down and why; it decides now or after its present work."""
    parent = cell.parent
    assert parent is not None
    if cell.ending or parent.ending:
        cell.post(Signal(Kind.STOP, reason))
    elif parent.sequence or parent.state is State.STARTING:
        parent.failed = parent.failed if parent.failed is not None else []
        parent.failed.append((cell, reason, failure, item))
    elif parent.state is State.RUNNING:
        judge(parent, cell, reason, failure, item)


def catch_up(parent: Cell) -> None:
    """Decide about the children that failed while the parent was busy."""
    while parent.failed and not parent.sequence and parent.state is State.RUNNING:
        cell, reason, failure, item = parent.failed.pop(0)
        if cell.state is State.DOWN:
            judge(parent, cell, reason, failure, item)


def judge(parent: Cell, cell: Cell, reason: Exit, failure: BaseException | None, item: Any) -> None:
    """Ask for the decision and carry it out."""
    kernel = parent.kernel
    alone = parent.policy.strategy == "one_for_one"
    siblings = (cell,) if alone else parent.offspring()
    now = kernel.loop.now()
    decision = decide(
        parent.policy,
        cell.spec,
        reason,
        index=next(at for at, child in enumerate(siblings) if child is cell),
        count=len(siblings),
        history=parent.history or (),
        failures=own(cell).failures,
        lived=now - cell.since,
        now=now,
        draw=kernel.random.random() if cell.spec.backoff is not None else 0.5,
    )
    if isinstance(decision, Forget | Finish):
        cell.post(Signal(Kind.STOP, reason))
    elif isinstance(decision, GiveUp):
        parent.post(Signal(Kind.CRASH, failure=given_up(parent, cell, failure, item)))
    else:
        _remember(parent, now)
        own(cell).failures = decision.failures
        _restart(parent, cell, decision, siblings)


def _remember(parent: Cell, now: float) -> None:
    """Add a restart to the parent's history, and drop those that no longer count."""
    restarts_max, period_s = parent.policy.intensity
    rare = own(parent)
    history = rare.history = rare.history if rare.history is not None else deque()
    history.append(now)
    while len(history) > restarts_max or now - history[0] >= period_s:
        history.popleft()


def given_up(parent: Cell, cell: Cell, failure: BaseException | None, item: Any) -> RestartLimit:
    """The failure of a supervisor, with notes that tell which child, message and how often."""
    error = RestartLimit(parent.path, *parent.policy.intensity)
    error.__cause__ = failure
    during = f" while handling {item!r}" if item is not None else ""
    error.add_note(f"{cell.path} failed{during}: {type(failure).__name__}: {failure}")
    error.add_note(f"restarts of {cell.path}: {cell.restarts}")
    return error


def _restart(parent: Cell, cell: Cell, decision: RestartChildren, siblings: tuple[Cell, ...]) -> None:
    kernel = parent.kernel
    own(cell).restarts += 1
    if len(decision.indexes) > 1:
        parent.sequence = True
        group = tuple(siblings[index] for index in decision.indexes)
        kernel.start_task(_restart_group, parent, group, decision.delay, cell)
    elif decision.delay:
        generation = cell.generation

        def start() -> None:
            if cell.state is State.DOWN and cell.generation == generation:
                cell.post(Signal(Kind.START))

        kernel.sweeper.call_at(kernel.loop.now() + decision.delay, start)
    else:
        cell.post(Signal(Kind.START))


async def _restart_group(parent: Cell, group: tuple[Cell, ...], delay: float, failed: Cell) -> None:
    """Stop the group in reverse order, wait, and start it in order, one at a time."""
    try:
        for cell in reversed(group):
            if cell is not failed:
                await _stop_one(cell)
        with anyio.move_on_after(delay):
            await parent.until(State.DOWN, State.STOPPED)
        for cell in group:
            if parent.state is not State.RUNNING or parent.ending:
                return
            if cell.state is State.DOWN and not await cell.attempt():
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
        await cell.until(State.STOPPED)
    elif cell.state is not State.DOWN:
        cell.post(Signal(Kind.DOWN, reason))
        await cell.until(State.DOWN, State.STOPPED)
