"""Getting a message into a mailbox, or to where undeliverable messages go."""

from collections import deque
from typing import Any

from actors._cell import STOPPED, Cell
from actors._envelope import Envelope, Tick
from actors._messages import DeadReason
from actors._telemetry import Parcel
from actors._waits import Room
from actors.errors import MailboxFull, NotRunning

#: What the runtime puts around a message in a mailbox.
WRAPPERS = (Envelope, Tick, Parcel)


def deliver(cell: Cell, item: Any) -> None:
    """Queue a message or an envelope under the mailbox's policy; the slow way in."""
    if cell.state is STOPPED:
        turn_away(cell, item, "stopped")
        return
    if cell.queue is None:
        open_mailbox(cell)
    queue = cell.queue
    assert queue is not None
    mailbox = cell.blueprint.options.mailbox
    if len(queue) >= mailbox.capacity:
        if mailbox.on_full == "coalesce" and replace(cell, queue, item):
            return
        if mailbox.on_full != "drop_oldest":
            turn_away(cell, item, "overflow")
            return
        refuse(cell, queue.popleft(), "overflow")
    force(cell, item)


def open_mailbox(cell: Cell) -> None:
    """Make the mailbox: on the first message, so that an idle actor holds none."""
    cell.queue = deque()
    capacity = cell.blueprint.options.mailbox.capacity
    cell.low = capacity // 2
    cell.room = -1 if cell.kernel.careful else capacity


def replace(cell: Cell, queue: deque[Any], item: Any) -> bool:
    """Put ``item`` in the place of the waiting message of the same key."""
    key = cell.blueprint.options.mailbox.key
    assert key is not None
    wanted = key(content(item))
    for position, waiting in enumerate(queue):
        if key(content(waiting)) == wanted:
            queue[position] = item
            cell.accepted += 1
            refuse(cell, waiting, "overflow")
            return True
    return False


def force(cell: Cell, item: Any) -> None:
    """Queue ``item`` whatever the capacity says: the runtime bounds these by other means."""
    if cell.state is STOPPED:
        turn_away(cell, item, "stopped")
        return
    if cell.queue is None:
        open_mailbox(cell)
    assert cell.queue is not None
    probe = cell.kernel.probe
    if probe is not None:
        probe.enqueue(cell.path, content(item))
    cell.accepted += 1
    cell.queue.append(item)
    cell.schedule()


def content(item: Any) -> Any:
    """The user's message inside a mailbox item."""
    return item.message if type(item) in WRAPPERS else item


def turn_away(cell: Cell, item: Any, reason: DeadReason) -> None:
    """Refuse a message at the door: it never was in the mailbox."""
    cell.kernel.counters["refused"] += 1
    refuse(cell, item, reason)


def refuse(cell: Cell, item: Any, reason: DeadReason) -> None:
    """End a message that will not be handled: tell its asker, and record the dead letter."""
    if type(item) is Envelope:
        path = cell.path
        if reason == "overflow":
            item.fail(MailboxFull(f"the mailbox of {path} is full", path))
        else:
            item.fail(NotRunning(f"{path} is not running", path))
    cell.kernel.bury(cell, content(item), reason)


def admit(cell: Cell) -> None:
    """Let blocked offers in, longest waiting first, while there is room."""
    offers, queue = cell.offers, cell.queue
    assert queue is not None
    capacity = cell.blueprint.options.mailbox.capacity
    while offers and len(queue) < capacity:
        room: Room = offers.popleft()
        room.taken = True
        force(cell, room.message)
        if room.waiter is not None:
            cell.kernel.loop.wake(room.waiter)
    if not offers:
        cell.offers = None
