"""The looking and steering side of a system: pull only, nothing is paid when nobody looks."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from actors._cell import Cell, Kind, Signal, State
from actors._envelope import DONE, Envelope
from actors._kernel import Kernel
from actors._observe import Info, Node, Statistics, add_up, describe_cell, draw_tree, hands_of, survey
from actors._ref import Ref, cell_of
from actors._states import look_up_anew
from actors._watch import TraceRecord
from actors.errors import NotRunning


class Inspection:
    """What a system shows of its actors."""

    _kernel: Kernel

    def tree(self) -> Node:
        """The actors as a tree, in start order."""
        return draw_tree(self._kernel.root)

    def info(self, ref: Ref[Any]) -> Info:
        """What is known about one actor now."""
        return describe_cell(cell_of(ref), hands_of(self._kernel))

    def survey(self, limit: int = 1000) -> tuple[Info, ...]:
        """What is known about the actors now, parents first, in start order, the root among them.

        Args:
            limit: When there are more actors, these many of the busiest and those above them.
        """
        return survey(self._kernel, limit)

    def parked(self, ref: Ref[Any]) -> tuple[Any, ...]:
        """The last messages that crashed this actor, when its class says ``park=True``."""
        return cell_of(ref).parking or ()

    def statistics(self) -> Statistics:
        """The books of the whole system."""
        return add_up(self._kernel)

    def suspend(self, ref: Ref[Any]) -> None:
        """Handle no further messages until ``resume``; they wait, and control still works."""
        cell = cell_of(ref)
        cell.suspended = True
        cell.open = False

    def resume(self, ref: Ref[Any]) -> None:
        """Go on after ``suspend``."""
        cell = cell_of(ref)
        cell.suspended = False
        if cell.state is State.RUNNING:
            cell.open = True
            if cell.queue:
                cell.schedule()

    @asynccontextmanager
    async def trace(self, ref: Ref[Any], *, limit: int = 1000) -> AsyncIterator[deque[TraceRecord]]:
        """Collect what one actor handles inside the block, the last ``limit`` messages of it.

        Args:
            ref: The actor; while it is traced its messages take the careful way.
            limit: Records that are kept.
        """
        cell: Cell = cell_of(ref)
        records: deque[TraceRecord] = deque(maxlen=limit)
        cell.tracers = [*(cell.tracers or ()), records.append]
        look_up_anew(cell)
        try:
            yield records
        finally:
            left = [tracer for tracer in cell.tracers or () if tracer != records.append]
            cell.tracers = left or None
            look_up_anew(cell)

    async def snapshot(self, ref: Ref[Any]) -> Any:
        """What the actor's own ``snapshot()`` method returns, taken between two messages.

        Raises:
            NotRunning: The actor does not run.
            AttributeError: Its class has no ``snapshot``.
        """
        cell = cell_of(ref)
        if cell.state is not State.RUNNING:
            raise NotRunning(f"{cell.path} is not running", cell.path)
        envelope = Envelope(cell, None, float("inf"))
        cell.post(Signal(Kind.LOOK, item=envelope))
        while envelope.state < DONE:
            await self._kernel.park(envelope)
        if envelope.error is not None:
            raise envelope.error
        return envelope.value
