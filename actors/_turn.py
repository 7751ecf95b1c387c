"""Turns: what a handler's end means, and driving one that was suspended."""

from collections.abc import Coroutine, Generator
from contextvars import Context
from types import coroutine
from typing import Any

from actors._cell import Cell, Kind, Signal
from actors._delivery import content
from actors._ending import Instances, crashed, fall, quiet
from actors._envelope import DONE, RUNNING, Envelope
from actors._words import shown
from actors.errors import NoReply, Reject


@coroutine
def resume(context: Context, work: Coroutine[Any, Any, Any], trap: Any) -> Generator[Any, Any, Any]:
    """Finish ``work``, which was suspended with ``trap``, each step in its own context.

    The task that drives it is the one that started it, so cancel scopes, task groups and
    ``current_task`` inside stay right.
    """
    while True:
        try:
            sent = yield trap
        except GeneratorExit:
            work.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - passed into the handler
            step: Any = work.throw
            given: Any = thrown
        else:
            step, given = work.send, sent
        try:
            trap = context.run(step, given)
        except StopIteration as stop:
            return stop.value


def succeed(cell: Cell, item: Any, value: Any, turn: Any) -> None:
    """A handler of ``cell`` returned in ``turn``: reply, and count."""
    if type(item) is Envelope:
        if item.state == RUNNING:
            item.succeed(value)
            if cell.kernel.probe is not None:
                cell.kernel.probe.reply(cell.path, item.message)
        item.turn = None
    if turn.cut is None:
        cell.handled += 1
    else:
        cut_off(cell, item, turn)


def fail(instances: Instances, cell: Cell, item: Any, failure: BaseException, turn: Any) -> None:
    """A handler raised: a refusal, a cut by the runtime, or a crash."""
    kernel = cell.kernel
    trace = failure.__traceback__
    if trace is not None:
        # The runtime's own frames hold the other instances; nobody gets at them this way.
        failure.__traceback__ = trace.tb_next
    if isinstance(failure, Reject):
        turn.cut = None
        _reject(cell, item, failure)
        return
    # Cancellations and the interpreter's own ways to end are no Exceptions.
    if not isinstance(failure, Exception):
        kernel.escape(failure)
        if turn.cut is not None and isinstance(failure, kernel.loop.cancelled):
            cut_off(cell, item, turn)
            return
        kernel.loop.forget(failure)
    turn.cut = None
    if turn is cell and cell.signals is None and quiet(cell):
        fall(instances, cell, failure, item)
    else:
        cell.open = False
        # It comes before what was asked for meanwhile, so that the message ends here and now.
        cell.post(Signal(Kind.CRASH, failure=failure, item=item), first=True)


def _reject(cell: Cell, item: Any, refusal: Reject) -> None:
    cell.rejected += 1
    if type(item) is Envelope:
        item.fail(refusal)
    else:
        cell.kernel.announce_dead(cell, content(item), "rejected", shown(refusal))


def cut_off(cell: Cell, item: Any, turn: Any) -> None:
    """The handler was cut off: by a deadline, its asker, a stop, or a kill. It counts as handled."""
    cause, turn.cut = turn.cut, None
    cell.handled += 1
    cell.cut_off += 1
    if type(item) is Envelope and item.state < DONE:
        path = cell.path
        if cause == "crash":
            failure = next(
                (signal.failure for signal in cell.signals or () if signal.failure is not None),
                NoReply(f"{path} was cut off", path),
            )
            item.fail(crashed(cell, item.message, failure))
        else:
            item.fail(NoReply(f"{path} was cut off while handling {shown(item.message)}", path))
    if cause in ("deadline", "asker") and cell.blueprint.options.restart_on_cancel:
        cell.open = False
        error = NoReply(f"{cell.path} restarts: its handler was cut off", cell.path)
        cell.post(Signal(Kind.CRASH, failure=error))
