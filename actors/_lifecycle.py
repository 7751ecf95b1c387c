"""How a cell starts, crashes and stops: the actions behind the signals of the control lane.

They run as a turn of the cell, in a worker, so nothing here overlaps a handler. Children stop one
at a time, last started first; then ``on_stop`` runs; then the incarnation is gone.
"""

import traceback
from typing import Any

from anyio import CancelScope

from actors._cell import Cell, Kind, Signal, State
from actors._context import Context
from actors._delivery import content, force, refuse
from actors._envelope import QUEUED, Envelope, lose
from actors._messages import Exit, ExitKind, Terminated
from actors._pipes import cancel_pipes
from actors._ref import Ref
from actors._strategy import catch_up, report
from actors._supervision import limit
from actors._timers import cancel_timers
from actors.errors import Crashed, Killed, NotRunning, RestartLimit, StartFailed

#: Poison messages that are kept per actor.
PARKED_MAX = 64

Instances = dict[Cell, Any]


async def tend(instances: Instances, cell: Cell) -> None:
    """Do what the control lane says, until it is empty."""
    while cell.signals:
        signal = cell.signals.popleft()
        if signal.kind is Kind.START:
            await start(instances, cell)
        elif signal.kind is Kind.CRASH:
            await crash(instances, cell, signal)
        elif signal.kind is Kind.DOWN:
            await take_down(instances, cell, signal.reason or Exit("shutdown"))
        else:
            await stop(instances, cell, signal.reason or Exit("shutdown"))
    cell.signals = None


async def start(instances: Instances, cell: Cell) -> None:
    """Make the next incarnation, unless it is about to be stopped."""
    if cell.state is not State.STARTING:
        return
    if any(signal.kind is Kind.STOP for signal in cell.signals or ()):
        cell.become(State.DOWN)
        return
    try:
        await _construct(instances, cell)
    except BaseException as cause:  # noqa: BLE001 - any failure is a failed start
        cell.kernel.escape(cause)
        failure = StartFailed(cell.path)
        failure.__cause__ = cause
        await crash(instances, cell, Signal(Kind.CRASH, failure=failure))
        return
    if cell.kernel.probe is not None and cell.generation:
        cell.kernel.probe.restart(f"{cell.path}#{cell.generation}")
    cell.since = cell.kernel.loop.now()
    cell.open = not cell.suspended
    cell.become(State.RUNNING)
    catch_up(cell)


async def _construct(instances: Instances, cell: Cell) -> None:
    """Run the constructor and ``on_start``; start the children a supervisor declares."""
    blueprint = cell.blueprint
    arguments = cell.arguments
    if callable(arguments):
        arguments = arguments(cell, instances.get(cell.parent) if cell.parent else None)
    instance: Any = object.__new__(blueprint.actor)
    instance.ctx = Context(cell)
    instance.__init__(*arguments[0], **arguments[1])
    # From here on on_stop is owed, except when on_start itself fails.
    if blueprint.has_start:
        with CancelScope() as scope:
            await _cuttable(cell, scope, instance.on_start())
        if scope.cancelled_caught:
            raise StartFailed(cell.path)
    instances[cell] = instance
    for child in cell.offspring():
        if not child.static and child.state is State.DOWN:
            child.post(Signal(Kind.START))
        elif child.static:
            child.post(Signal(Kind.START))
            await child.until(State.RUNNING, State.DOWN, State.STOPPED)
            if child.state is State.DOWN:
                raise StartFailed(child.path)


async def _cuttable(cell: Cell, scope: CancelScope, hook: Any) -> None:
    """Run a hook that the runtime may cut off through ``scope``."""
    cell.scope = scope
    try:
        await hook
    finally:
        cell.scope = None
        cell.cut = None


async def crash(instances: Instances, cell: Cell, signal: Signal) -> None:
    """End the incarnation that failed and let the supervisor decide."""
    if cell.state in (State.DOWN, State.STOPPED):
        return
    failure = signal.failure
    assert failure is not None
    traced = cell.blueprint.has_stop or cell.watchers is not None or cell.parent is None
    cell.exit = reason = describe(failure, traced)
    if signal.item is not None:
        blame(cell, signal.item, failure, reason)
    if cell.parent is None:
        cell.kernel.failure = cell.kernel.failure or failure
        cell.kernel.give_up()
        await stop(instances, cell, reason)
        return
    await teardown(instances, cell, reason)
    report(cell, reason, failure, signal.item)


def describe(failure: BaseException, traced: bool) -> Exit:
    """An exit with the failure as text, so that no frame is kept alive."""
    kind: ExitKind = "crash"
    if isinstance(failure, Killed):
        kind = "kill"
    elif isinstance(failure, RestartLimit):
        kind = "limit"
    # Formatting a traceback costs as much as a hundred messages: only for those who read it.
    text = "".join(traceback.format_exception(failure)) if traced else ""
    return Exit(kind, f"{type(failure).__name__}: {failure}", text)


def blame(cell: Cell, item: Any, failure: BaseException, reason: Exit) -> None:
    """Retry the message that crashed the actor, or end it as poison."""
    options = cell.blueprint.options
    message = content(item)
    attempts = cell.retried[1] if cell.retried and cell.retried[0] is message else 0
    if attempts < options.retry and cell.queue is not None:
        cell.retried = (message, attempts + 1)
        if isinstance(item, Envelope):
            item.state, item.turn = QUEUED, None
        cell.queue.appendleft(item if isinstance(item, Envelope) else message)
        return
    cell.retried = None
    if isinstance(item, Envelope):
        item.fail(crashed(cell, message, failure))
    if options.park:
        cell.parking = (*(cell.parking or ())[1 - PARKED_MAX :], message)
    cell.kernel.bury(cell, message, "poison", reason.error)


def crashed(cell: Cell, message: Any, failure: BaseException) -> Crashed:
    """What the asker of a message that crashed its actor gets."""
    error = Crashed(f"{cell.path} crashed while handling {message!r}", cell.path)
    error.__cause__ = failure
    return error


async def take_down(instances: Instances, cell: Cell, reason: Exit) -> None:
    """End the incarnation and keep the mailbox: the supervisor restarts several children."""
    if cell.state in (State.RUNNING, State.STARTING):
        await teardown(instances, cell, reason)


async def teardown(instances: Instances, cell: Cell, reason: Exit) -> None:
    """End the incarnation: children, ``on_stop``, timers, pipes, open replies."""
    cell.open = False
    await stop_children(cell, reason)
    instance = instances.pop(cell, None)
    if instance is not None and cell.blueprint.has_stop:
        await _on_stop(cell, instance, reason)
    cell.generation += 1
    cancel_timers(cell)
    cancel_pipes(cell)
    for target in cell.watching or ():
        if target.watchers is not None:
            target.watchers.pop(cell, None)
    cell.watching = None
    while cell.replies:
        lose(next(iter(cell.replies.values())))
    cell.history = ()
    cell.failed = None
    cell.become(State.DOWN)


async def stop_children(cell: Cell, reason: Exit) -> None:
    """Stop the children, last started first; a supervisor's own keep their cells for a restart."""
    final = cell.ending or cell.parent is None
    for child in reversed(cell.offspring()):
        if child.static and not final:
            child.post(Signal(Kind.DOWN, Exit("shutdown")))
            await child.until(State.DOWN, State.STOPPED)
            drain(child)
        else:
            child.ending = True
            child.post(Signal(Kind.STOP, Exit("shutdown")))
            await child.until(State.STOPPED)
    # A child may have been spawned by a handler that was still running below.
    if any(not child.static or final for child in cell.offspring()):
        await stop_children(cell, reason)


async def _on_stop(cell: Cell, instance: Any, reason: Exit) -> None:
    kernel = cell.kernel
    at = limit(0.0 if kernel.brutal else cell.spec.shutdown, kernel.loop.now())
    try:
        with CancelScope(deadline=at) as scope:
            await _cuttable(cell, scope, instance.on_stop(reason))
    except BaseException as failure:  # noqa: BLE001 - reported, the stop goes on
        kernel.escape(failure)
        kernel.report_hook(cell, failure)


async def stop(instances: Instances, cell: Cell, reason: Exit) -> None:
    """Stop for good, or, when a permanent child ends by itself, let its supervisor restart it."""
    if cell.state is State.STOPPED:
        return
    own = reason.kind in ("normal", "idle") and not cell.ending
    if own and cell.spec.restart == "permanent" and reason.kind == "normal":
        if cell.state is not State.DOWN:
            await teardown(instances, cell, reason)
        report(cell, reason, None, None)
        return
    cell.ending = True
    if cell.state is State.DOWN:
        await stop_children(cell, reason)
    else:
        await teardown(instances, cell, reason)
    finish(cell, reason)


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
    cell.exit = reason if cell.exit is None or not reason.abnormal else cell.exit
    cell.room = -1
    cell.become(State.STOPPED)
    drain(cell)
    kernel.retire(cell)
    cell.queue = cell.context = cell.arguments = cell.children = cell.signals = None
    cell.extra = cell.behaviour = None
    parent = cell.parent
    if parent is not None and parent.children is not None:
        parent.children.pop(cell.key, None)
    watchers, cell.watchers = cell.watchers, None
    for watcher in watchers or ():
        if watcher.watching is not None:
            watcher.watching.pop(cell, None)
        force(watcher, Terminated(Ref(cell), reason))
    if parent is None:
        kernel.finished()
    elif cell.spec.significant and not reason.abnormal and not parent.ending:
        parent.post(Signal(Kind.STOP, Exit("normal")))
