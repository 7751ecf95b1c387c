"""Actors with states: changing them, and postponing what a state does not handle."""

from collections import deque
from enum import Enum
from typing import Any

from actors._cell import Cell
from actors._delivery import open_mailbox, refuse
from actors._envelope import QUEUED, Envelope


def enter(cell: Cell, state: Enum | None) -> None:
    """Handle messages by the table of ``state`` from the next one on."""
    cell.behaviour = state
    look_up_anew(cell)


def become(cell: Cell, state: Enum) -> None:
    """Change the state; what was postponed comes first now, in its order.

    Raises:
        ValueError: Not a state of this actor.
    """
    if state not in cell.blueprint.tables:
        raise ValueError(f"{state!r} is not a state of {cell.blueprint.actor.__name__}")
    enter(cell, state)
    unstash(cell)
    # A control lane that is there and empty ends the worker's batch, which holds the old table.
    if cell.signals is None:
        cell.signals = deque()


def look_up_anew(cell: Cell) -> None:
    """Choose the fast table for the state, or none for a cell under observation."""
    observed = not cell.kernel.plain or cell.tracers is not None
    cell.table = {} if observed else cell.blueprint.fast[cell.behaviour]


def postpone(cell: Cell, item: Any) -> None:
    """Keep a message for the next state; what does not fit is refused like by a full mailbox."""
    if cell.stash is None:
        cell.stash = deque()
    if len(cell.stash) >= cell.blueprint.options.mailbox.capacity:
        _drop_expired(cell, cell.stash)
    if len(cell.stash) >= cell.blueprint.options.mailbox.capacity:
        refuse(cell, item, "overflow")
        return
    if item.__class__ is Envelope:
        item.state, item.turn = QUEUED, None
    cell.stash.append(item)


def _drop_expired(cell: Cell, stash: deque[Any]) -> None:
    """Let go of postponed asks whose asker has left."""
    waiting = [item for item in stash if item.__class__ is not Envelope or item.state == QUEUED]
    cell.expired += len(stash) - len(waiting)
    stash.clear()
    stash.extend(waiting)


def unstash(cell: Cell) -> None:
    """Put what was postponed back in front."""
    stash, cell.stash = cell.stash, None
    if stash:
        if cell.queue is None:
            open_mailbox(cell)
        assert cell.queue is not None
        cell.queue.extendleft(reversed(stash))
