"""Messages the dispatch table of the fast path does not know: what they are and who handles them."""

from collections.abc import Callable
from typing import Any

from actors._cell import Cell
from actors._concurrent import start_turn
from actors._delivery import content
from actors._ending import Instances
from actors._envelope import Envelope, Tick
from actors._pipes import PipeFailed
from actors._states import postpone
from actors._threaded import pinned
from actors._watch import carrying, watched
from actors.errors import DeliveryError

Function = Callable[[Any, Any], Any]


def special(instances: Instances, cell: Cell, item: Any) -> tuple[Function, Any] | None:
    """The function and the message to call it with; None when the message has ended here."""
    message = content(item)
    if item.__class__ is Tick:
        if item.void or item.generation != cell.generation:
            cell.expired += 1
            return None
        item.void = True
        if message.__class__ is PipeFailed:
            return _fail, message
    handler = cell.blueprint.tables[cell.behaviour].get(message.__class__)
    if handler is None:
        _unknown(cell, item, message)
        return None
    if item.__class__ is Envelope and handler.cancel == "caller":
        item.cancel_with_asker = True
    function = handler.function
    if cell.thread is not None:
        function = pinned(cell, function)
    if cell.tracers is not None or cell.kernel.observed:
        function = watched(cell, item, function)
    elif not cell.kernel.plain:
        function = carrying(item, function)
    if handler.concurrent and start_turn(instances, cell, item, function):
        return None
    return function, message


def _unknown(cell: Cell, item: Any, message: Any) -> None:
    """No handler now: postponed, when the class says so and another state has one."""
    blueprint = cell.blueprint
    if blueprint.options.default == "postpone" and message.__class__ in blueprint.handlers:
        postpone(cell, item if item.__class__ is not Tick else message)
    else:
        _unhandled(cell, item, message)


async def _fail(_: Any, message: PipeFailed) -> None:
    raise message.failure


def _unhandled(cell: Cell, item: Any, message: Any) -> None:
    if item.__class__ is Envelope:
        path = cell.path
        item.fail(DeliveryError(f"{path} does not handle {type(message).__name__}", path))
    cell.kernel.bury(cell, message, "unhandled")
