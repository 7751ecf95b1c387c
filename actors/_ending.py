"""How an incarnation ends, and a cell for good: the parts that never wait."""

import traceback
from typing import Any

from actors._cell import DOWN, STOPPED, Cell, Kind, Signal
from actors._delivery import content, force, refuse
from actors._envelope import QUEUED, Envelope, Tick, lose
from actors._messages import Exit, ExitKind, Terminated
from actors._pipes import cancel_pipes
from actors._rare import Rare, own
from actors._ref import Ref
from actors._states import unstash
from actors._strategy import report
from actors._timers import cancel_timers
from actors._words import shown, told
from actors.errors import Crashed, Killed, NotRunning, RestartLimit

#: Poison messages that are kept per actor.
PARKED_MAX = 64

Instances = dict[Cell, Any]


def quiet(cell: Cell) -> bool:
    """Whether the incarnation can end at once: nothing of it runs, waits, or wants to be told."""
    if cell.children or cell.blueprint.has_stop:
        return False
    return cell.rare is None or not cell.rare.turns


def end_incarnation(instances: Instances, cell: Cell) -> None:
    """Drop the instance and what dies with it: timers, pipes, watches, open replies."""
    cell.open = False
    instances.pop(cell, None)
    cell.generation += 1
    if cell.rare is not None:
        _end_rare(cell, cell.rare)


def _end_rare(cell: Cell, rare: Rare) -> None:
    rare.history = rare.failed = None
    if rare.timers is not None:
        cancel_timers(cell)
    if rare.pipes is not None:
        cancel_pipes(cell)
    if rare.watching is not None:
        for target in rare.watching:
            if target.watchers is not None:
                target.watchers.pop(cell, None)
        rare.watching = None
    if rare.stash is not None:
        unstash(cell)
    if rare.thread is not None:
        rare.thread.close()
        rare.thread = None
    while rare.replies:
        lose(next(iter(rare.replies.values())))


def fall(instances: Instances, cell: Cell, failure: BaseException, item: Any) -> None:
    """Crash a quiet actor, all at once."""
    reason = condemn(cell, failure, item)
    end_incarnation(instances, cell)
    if cell.observers is None:
        cell.state = DOWN
    else:
        cell.become(DOWN)
    report(cell, reason, failure, content(item))


def condemn(cell: Cell, failure: BaseException, item: Any) -> Exit:
    """Note why the incarnation ends, and end the message that ended it."""
    rare = cell.rare
    traced = (
        cell.blueprint.has_stop or cell.parent is None or (rare is not None and rare.watchers is not None)
    )
    reason = describe(failure, traced, cell.exit)
    cell.exit = reason
    if item is not None:
        blame(cell, item, failure, reason)
    return reason


def describe(failure: BaseException, traced: bool, last: Exit | None = None) -> Exit:
    """An exit with the failure as text, so that no frame is kept alive; ``last`` if it says the same."""
    kind: ExitKind = "crash"
    if isinstance(failure, Killed):
        kind = "kill"
    elif isinstance(failure, RestartLimit):
        kind = "limit"
    # Formatting a traceback costs as much as a hundred messages: only for those who read it.
    text = "".join(traceback.format_exception(failure)) if traced else ""
    return noted(kind, failure, text, last)


def noted(kind: ExitKind, failure: BaseException, trace: str, last: Exit | None) -> Exit:
    """An exit with the failure in words; ``last`` if it says the same."""
    error = told(failure)
    if last is not None and last.error == error and last.trace == trace and last.kind == kind:
        return last
    return Exit(kind, error, trace)


def blame(cell: Cell, item: Any, failure: BaseException, reason: Exit) -> None:
    """Retry the message that crashed the actor, or end it as poison."""
    options = cell.blueprint.options
    message = content(item)
    rare = own(cell)
    retried = rare.retried
    attempts = retried[1] if retried is not None and retried[0] is message else 0
    if attempts < options.retry and cell.queue is not None:
        rare.retried = (message, attempts + 1)
        if isinstance(item, Envelope):
            item.state, item.turn = QUEUED, None
        cell.queue.appendleft(message if isinstance(item, Tick) else item)
        return
    rare.retried = None
    if isinstance(item, Envelope):
        item.fail(crashed(cell, message, failure))
    if options.park:
        cell.parking = (*(cell.parking or ())[1 - PARKED_MAX :], message)
    cell.kernel.bury(cell, message, "poison", reason.error)


def crashed(cell: Cell, message: Any, failure: BaseException) -> Crashed:
    """What the asker of a message that crashed its actor gets."""
    error = Crashed(f"{cell.path} crashed while handling {shown(message)}", cell.path)
    error.__cause__ = failure
    return error


def _leave_undone(cell: Cell, signal: Signal) -> None:
    """End what a signal brought along that will not be looked at any more."""
    if signal.kind is Kind.LOOK:
        signal.item.fail(NotRunning(f"{cell.path} is not running", cell.path))
    elif signal.item is not None and signal.failure is not None:
        blame(cell, signal.item, signal.failure, describe(signal.failure, traced=False))


def _tell_watchers(cell: Cell, reason: Exit) -> None:
    cell.extra = None
    watchers, cell.watchers = cell.watchers, None
    for watcher in watchers or ():
        if watcher.watching is not None:
            watcher.watching.pop(cell, None)
        force(watcher, Terminated(Ref(cell), reason))


def drain(cell: Cell) -> None:
    """End every message that waits: nobody will handle it."""
    queue = cell.queue
    while queue:
        item = queue.popleft()
        if isinstance(item, Envelope) and item.state != QUEUED:
            cell.expired += 1
        else:
            refuse(cell, item, "stopped")
    while cell.offers:
        room = cell.offers.popleft()
        room.error = NotRunning(f"{cell.path} stopped before there was room", cell.path)
        if room.waiter is not None:
            cell.kernel.loop.wake(room.waiter)
    cell.offers = None


def finish(cell: Cell, reason: Exit) -> None:
    """Turn the cell into a tombstone and tell everybody who must know."""
    kernel = cell.kernel
    if cell.exit is None or not reason.abnormal:
        cell.exit = reason
    cell.room = -1
    cell.become(STOPPED)
    if cell.queue or cell.offers:
        drain(cell)
    for signal in cell.signals or ():
        _leave_undone(cell, signal)
    kernel.retire(cell)
    cell.queue = cell.context = cell.arguments = cell.children = cell.signals = None
    cell.behaviour = None
    parent = cell.parent
    if parent is not None and parent.children is not None:
        parent.children.pop(cell.key, None)
    if cell.rare is not None:
        _tell_watchers(cell, reason)
    if parent is None:
        kernel.finished()
    elif cell.spec.significant and not reason.abnormal and not parent.ending:
        parent.post(Signal(Kind.STOP, Exit("normal")))
