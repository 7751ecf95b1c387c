"""Concurrent turns: handlers declared as reading only, each in a task of its own."""

import math
from collections.abc import Callable
from typing import Any

import anyio

from actors._cell import TURN, Cell
from actors._delivery import content
from actors._ending import Instances
from actors._parking import Slot
from actors._supervision import limit
from actors._turn import cut_off, fail, succeed

#: Concurrent turns of one actor; beyond it they run in sequence.
TURNS_MAX = 1024


class ConcurrentTurn:
    """One handler that runs beside the others of its actor.

    It is a turn like a cell is one: it can wait for others, and be cut off.
    """

    __slots__ = ("cell", "current", "cut", "item", "scope", "since", "waits")

    def __init__(self, cell: Cell, item: Any) -> None:
        self.cell = cell
        self.item = self.current = item
        self.cut: str | None = None
        self.scope = anyio.CancelScope()
        self.since: float = cell.kernel.loop.now()
        self.waits: list[Any] | None = None

    @property
    def path(self) -> str:
        """The actor's path."""
        return self.cell.path

    async def run(self, instances: Instances, function: Callable[[Any, Any], Any], message: Any) -> None:
        """Run the handler; whatever it ends with is an outcome."""
        TURN.set(self)
        cell, item = self.cell, self.item
        try:
            with self.scope:
                value = await function(instances[cell], message)
                self._leave()
                succeed(cell, item, value, self)
                return
        except BaseException as failure:  # noqa: BLE001 - an outcome, not a task's failure
            self._leave()
            fail(instances, cell, item, failure, self)
            return
        self._leave()
        cut_off(cell, item, self)

    def _leave(self) -> None:
        turns = self.cell.turns
        if turns is not None and turns.pop(id(self), None) is not None and not turns:
            self.cell.turns = None
            self.cell.become(self.cell.state)


def start_turn(instances: Instances, cell: Cell, item: Any, function: Callable[[Any, Any], Any]) -> bool:
    """Start a concurrent turn; False when there are as many as allowed."""
    turns = cell.turns
    if turns is None:
        turns = cell.turns = {}
    if len(turns) >= TURNS_MAX:
        return False
    turn = ConcurrentTurn(cell, item)
    turns[id(turn)] = turn
    if hasattr(item, "turn"):
        item.turn = turn
    cell.kernel.start_task(turn.run, instances, function, content(item))
    return True


async def end_turns(cell: Cell, cause: str) -> None:
    """Wait for the concurrent turns; cut them off at once for a crash, else at the limit."""
    kernel = cell.kernel
    shutdown = 0.0 if cause == "crash" or kernel.brutal else cell.spec.shutdown
    at = limit(shutdown, kernel.loop.now())
    alarm = kernel.sweeper.call_at(at, lambda: cut_turns(cell, cause)) if at < math.inf else None
    while cell.turns:
        slot = Slot()
        cell.observers = [*(cell.observers or ()), slot]
        try:
            await kernel.loop.park(slot)
        except kernel.loop.cancelled as failure:
            kernel.let_go(failure)
    if alarm is not None:
        alarm.cancel()


def cut_turns(cell: Cell, cause: str) -> None:
    """Cancel every concurrent turn of an actor."""
    for turn in tuple((cell.turns or {}).values()):
        cell.kernel.cut(turn, cause)
