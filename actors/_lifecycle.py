"""How a cell starts, crashes and stops: the actions behind the signals of the control lane.

They run as a turn of the cell, in a worker, so nothing here overlaps a handler. Children stop one
at a time, last started first; then ``on_stop`` runs; then the incarnation is gone.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from anyio import CancelScope

from actors._cell import DOWN, RUNNING, STARTING, STOPPED, Cell, Kind, Signal
from actors._concurrent import end_turns
from actors._context import Context
from actors._delivery import content
from actors._ending import Instances, blame, condemn, describe, drain, end_incarnation, finish, quiet
from actors._messages import Exit
from actors._ref import cell_of
from actors._seed import Seed
from actors._states import enter
from actors._strategy import catch_up, report
from actors._supervision import limit
from actors._threaded import Thread
from actors._threaded import finish as finish_in_thread
from actors.errors import NotRunning, StartFailed


async def tend(instances: Instances, cell: Cell) -> None:
    """Do what the control lane says, until it is empty."""
    while cell.signals:
        signal = cell.signals.popleft()
        if signal.kind is Kind.START:
            await start(instances, cell)
        elif signal.kind is Kind.CRASH:
            await crash(instances, cell, signal)
        elif signal.kind is Kind.LOOK:
            look(instances, cell, signal.item)
        elif signal.kind is Kind.DOWN:
            await take_down(instances, cell, signal.reason or Exit("shutdown"))
        else:
            await stop(instances, cell, signal)
    cell.signals = None


def start_now(instances: Instances, cell: Cell) -> None:
    """Start an actor that has neither ``on_start`` nor declared children: nothing can wait."""
    cell.since = cell.kernel.loop.now()
    try:
        instances[cell] = construct(instances, cell)
    except BaseException as cause:  # noqa: BLE001 - any failure is a failed start
        start_failed(cell, cause)
    else:
        begin(cell)


def start_failed(cell: Cell, cause: BaseException) -> None:
    """Make a failed start a crash."""
    cell.kernel.escape(cause)
    failure = StartFailed(cell.path)
    failure.__cause__ = cause
    cell.post(Signal(Kind.CRASH, failure=failure))


async def start(instances: Instances, cell: Cell) -> None:
    """Make the next incarnation, unless it is about to be stopped."""
    if cell.state is not STARTING:
        return
    if any(signal.kind is Kind.STOP for signal in cell.signals or ()):
        cell.become(DOWN)
        return
    # One whose start fails has not lived, however long it waited for that start.
    cell.since = cell.kernel.loop.now()
    try:
        await _construct(instances, cell)
    except BaseException as cause:  # noqa: BLE001 - any failure is a failed start
        start_failed(cell, cause)
        return
    begin(cell)


def begin(cell: Cell) -> None:
    """The incarnation has started: open the mailbox to the workers."""
    if cell.kernel.probe is not None and cell.generation:
        cell.kernel.probe.restart(f"{cell.path}#{cell.generation}")
    cell.begun = cell.generation
    rare = cell.rare
    cell.open = rare is None or not rare.suspended
    cell.become(RUNNING)
    if rare is not None and rare.failed:
        catch_up(cell)
    if cell.blueprint.options.idle_timeout is not None:
        watch_idleness(cell, cell.generation, -1)


def construct(instances: Instances, cell: Cell) -> Any:
    """Run the constructor."""
    blueprint = cell.blueprint
    if cell.kernel.probe is not None:
        cell.kernel.probe.start(f"{cell.path}#{cell.generation}")
    if blueprint.options.states is not None:
        enter(cell, blueprint.initial)
    arguments = cell.arguments
    if callable(arguments):
        arguments = arguments(cell, instances.get)
    instance: Any = object.__new__(blueprint.actor)
    instance.ctx = Context(cell)
    instance.__init__(*arguments[0], **arguments[1])
    return instance


async def _construct(instances: Instances, cell: Cell) -> None:
    """Run the constructor and ``on_start``; start the children a supervisor declares."""
    if cell.blueprint.options.threaded:
        cell.thread = Thread(cell)
        instance = await cell.thread.call(construct, instances, cell)
    else:
        instance = construct(instances, cell)
    # From here on on_stop is owed, except when on_start itself fails.
    if cell.blueprint.has_start:
        with CancelScope() as scope:
            await _cuttable(cell, scope, _hook(cell, instance.on_start))
        if scope.cancelled_caught:
            raise StartFailed(cell.path)
    instances[cell] = instance
    for child in cell.offspring():
        if not child.static and child.state is DOWN:
            child.launch()
        elif child.static and not await child.attempt() and child.state is not STOPPED:
            raise StartFailed(child.path)


def _hook(cell: Cell, hook: Callable[..., Awaitable[None]], *args: Any) -> Awaitable[None]:
    """Call a hook where the actor's code runs."""
    return cell.thread.call(finish_in_thread, hook, *args) if cell.thread is not None else hook(*args)


async def _cuttable(cell: Cell, scope: CancelScope, hook: Any) -> None:
    """Run a hook that the runtime may cut off through ``scope``."""
    cell.scope = scope
    if cell.kernel.brutal:
        scope.cancel()
    try:
        await hook
    finally:
        cell.scope = None
        cell.cut = None


async def crash(instances: Instances, cell: Cell, signal: Signal) -> None:
    """End the incarnation that failed and let the supervisor decide."""
    failure = signal.failure
    assert failure is not None
    if signal.generation != cell.generation or cell.state in (DOWN, STOPPED):
        if signal.item is not None:
            blame(cell, signal.item, failure, describe(failure, traced=False))
        return
    reason = condemn(cell, failure, signal.item)
    if cell.parent is None:
        cell.kernel.failure = cell.kernel.failure or failure
        cell.kernel.give_up()
        await stop(instances, cell, Signal(Kind.STOP, reason))
        return
    if cell.turns:
        await end_turns(cell, "crash")
    await teardown(instances, cell, reason)
    report(cell, reason, failure, content(signal.item))


def look(instances: Instances, cell: Cell, envelope: Any) -> None:
    """Answer a snapshot request between two messages."""
    instance = instances.get(cell)
    if instance is None and cell.open:
        instance = instances[cell] = construct(instances, cell)
    if instance is None:
        envelope.fail(NotRunning(f"{cell.path} is not running", cell.path))
        return
    try:
        envelope.succeed(instance.snapshot())
    except Exception as failure:  # noqa: BLE001 - the one who looks gets it
        envelope.fail(failure)


async def take_down(instances: Instances, cell: Cell, reason: Exit) -> None:
    """End the incarnation and keep the mailbox: the supervisor restarts several children."""
    if cell.state in (RUNNING, STARTING):
        await teardown(instances, cell, reason)


async def teardown(instances: Instances, cell: Cell, reason: Exit) -> None:
    """End the incarnation: children, ``on_stop``, then the rest at once."""
    cell.open = False
    if cell.turns:
        await end_turns(cell, "stop")
    cell.falling = bool(cell.children)
    await stop_children(instances, cell)
    cell.falling = False
    instance = instances.get(cell)
    if instance is not None and cell.blueprint.has_stop:
        await _on_stop(cell, instance, reason)
    end_incarnation(instances, cell)
    cell.become(DOWN)


async def stop_children(instances: Instances, cell: Cell) -> None:
    """Stop the children, last started first; a supervisor's own keep their cells for a restart."""
    final = cell.ending or cell.parent is None
    reason = Exit("shutdown")
    children = cell.children or {}
    for key, found in reversed(tuple(children.items())):
        if found.__class__ is Seed:
            del children[key]
            continue
        # A seed may have grown while its sibling stopped.
        child: Cell = found if found.__class__ is Cell else cell_of(found)
        if child.state is STOPPED:
            continue
        child.ending = child.ending or final or not child.static
        if not child.ending:
            if child.state is not DOWN:
                child.post(Signal(Kind.DOWN, reason))
            await child.surely(DOWN, STOPPED)
            drain(child)
        elif not child.scheduled and quiet(child):
            end_incarnation(instances, child)
            finish(child, reason)
        else:
            child.post(Signal(Kind.STOP, reason))
            await child.surely(STOPPED)
    # A child may have been spawned by a handler that was still running below.
    if any(final or found.__class__ is Seed or not found.static for found in children.values()):
        await stop_children(instances, cell)


async def _on_stop(cell: Cell, instance: Any, reason: Exit) -> None:
    kernel = cell.kernel
    at = limit(0.0 if kernel.brutal else cell.spec.shutdown, kernel.loop.now())
    try:
        if kernel.probe is not None:
            kernel.probe.stop(f"{cell.path}#{cell.generation}")
        with CancelScope(deadline=at) as scope:
            await _cuttable(cell, scope, _hook(cell, instance.on_stop, reason))
    except BaseException as failure:  # noqa: BLE001 - reported, the stop goes on
        kernel.escape(failure)
        kernel.report_hook(cell, failure)


async def stop(instances: Instances, cell: Cell, signal: Signal) -> None:
    """Stop for good, or, when a permanent child ends by itself, let its supervisor restart it."""
    if cell.state is STOPPED:
        return
    reason = signal.reason or Exit("shutdown")
    own = reason.kind in ("normal", "idle") and not cell.ending
    if own and signal.generation != cell.generation:
        return  # the incarnation that wanted to stop is gone already
    if own and cell.spec.restart == "permanent" and reason.kind == "normal":
        if cell.state is not DOWN:
            await teardown(instances, cell, reason)
        report(cell, reason, None, None)
        return
    if reason.kind == "idle":
        if cell.queue or cell.children:
            watch_idleness(cell, cell.generation, -1)
            return
        await teardown(instances, cell, reason)
        if cell.queue:
            # Somebody still wanted it while it said goodbye.
            cell.launch()
            return
    cell.ending = True
    if cell.state is DOWN:
        await stop_children(instances, cell)
    else:
        await teardown(instances, cell, reason)
    finish(cell, reason)


def watch_idleness(cell: Cell, generation: int, accepted: int) -> None:
    """Stop the actor when no message came since the last look; look again later otherwise."""
    if cell.generation != generation or cell.state is not RUNNING:
        return
    if cell.accepted == accepted and not cell.scheduled and not cell.children:
        cell.post(Signal(Kind.STOP, Exit("idle")))
        return
    kernel, seen = cell.kernel, cell.accepted
    at = kernel.loop.now() + (cell.blueprint.options.idle_timeout or 0.0)
    kernel.sweeper.call_at(at, lambda: watch_idleness(cell, generation, seen))
