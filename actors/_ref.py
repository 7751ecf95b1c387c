"""The ref: the only way to reach an actor."""

import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from actors._cell import STOPPED, TURN, Cell
from actors._delivery import deliver, open_mailbox
from actors._envelope import DONE, QUEUED, Envelope
from actors._messages import Asked, Streamed
from actors._stream import open_stream
from actors._waits import Room, find_cycle
from actors.errors import AskCycle, NotRunning

M_contra = TypeVar("M_contra", contravariant=True)
R = TypeVar("R")

#: Further steps an ask is given before it parks.
STEPS_MAX = 2


class Ref(Generic[M_contra]):
    """An actor's address: the right to send it the messages ``M``.

    Contravariant: a ``Ref[Deposit | Balance]`` is a ``Ref[Deposit]``. It stays valid across
    restarts; after the actor stopped it is a tombstone. Two refs of one actor are equal.
    """

    __slots__ = ("__weakref__", "_cell", "_seed")
    __actors_address__ = True

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    @property
    def path(self) -> str:
        """Names from the system down to the actor, joined by ``/``."""
        return self._cell.path

    @property
    def name(self) -> str:
        """The actor's own name, unique among its siblings."""
        return self._cell.name

    def tell(self, msg: M_contra) -> None:
        """Send a message and go on; never waits and never raises for a dead or full target.

        What cannot be delivered becomes a dead letter (``stopped`` or ``overflow``).
        """
        cell = self._cell
        queue = cell.queue
        if queue is not None and len(queue) < cell.room:
            queue.append(msg)
            cell.accepted += 1
            if not cell.scheduled:
                cell.scheduled = True
                ready = cell.ready
                ready.append(cell)
                if not ready.manned:
                    ready.man()
        else:
            deliver(cell, cell.kernel.wrap(cell, msg))

    async def ask(self, msg: Asked[M_contra, R], *, timeout: float | None = None) -> R:
        """Send a request and wait for its reply.

        Args:
            msg: A request of this actor's protocol.
            timeout: Seconds; the deadlines of the surrounding scopes and of the handler that asks
                apply as well. The target's handler runs under the earliest of them.

        Raises:
            NotRunning: The target has stopped, or stopped while the message was queued.
            MailboxFull: The target's mailbox refused or dropped the message.
            AskCycle: Waiting would close a cycle of waits; nothing was sent.
            AskTimeout: ``timeout`` passed; the message may have been handled.
            NoReply: The target lost the reply; the message may have been handled.
            Crashed: The target crashed handling it; ``__cause__`` is the original.
            Reject: The target refused, with the refusal it raised.
        """
        cell = self._cell
        kernel = cell.kernel
        turn = TURN.get()
        envelope = Envelope(cell, msg, math.inf)
        if turn is not None:
            cycle = find_cycle(turn, cell, msg)
            if cycle is not None:
                raise AskCycle(*cycle)
            envelope.parent = turn.current if turn.current.__class__ is Envelope else None
        sent_at = kernel.loop.now() if timeout is not None else 0.0
        queue = cell.queue
        if queue is not None and len(queue) < cell.room:
            queue.append(envelope)
            cell.accepted += 1
            if not cell.scheduled:
                cell.schedule()
        else:
            deliver(cell, kernel.wrap(cell, envelope))
        if turn is not None:
            turn.waits = [*(turn.waits or ()), envelope]
        try:
            # Most replies are there after one step: then there is no deadline to look up (a walk
            # over all scopes), nothing to park on, and nobody to wake.
            few = queue is None or len(queue) <= kernel.throng_min
            await (kernel.step() if few else _behind_others(envelope, turn))
            if envelope.state < DONE:
                await _wait(envelope, timeout, sent_at)
        except BaseException:
            kernel.abandon(envelope)
            raise
        finally:
            if turn is not None:
                turn.waits = [wait for wait in turn.waits if wait is not envelope] or None
        error = envelope.error
        if error is None:
            value: R = envelope.value
            return value
        try:
            raise error
        finally:
            # The error's traceback holds this frame: leave no way back from here to it.
            del error, envelope

    async def offer(self, msg: M_contra) -> None:
        """Send a message, waiting for room in the mailbox: first come, first let in.

        When cancelled after the message was let in, it may still be handled.

        Raises:
            NotRunning: The target has stopped, or stopped before there was room.
            AskCycle: Waiting would close a cycle of waits; nothing was sent.
        """
        cell = self._cell
        if cell.state is STOPPED:
            deliver(cell, msg)
            raise NotRunning(f"{cell.path} is not running", cell.path)
        if cell.queue is None:
            open_mailbox(cell)
        assert cell.queue is not None
        item = cell.kernel.wrap(cell, msg)
        if not cell.offers and len(cell.queue) < cell.blueprint.options.mailbox.capacity:
            deliver(cell, item)
            return
        await _wait_for_room(cell, item)

    def stream(
        self, msg: Streamed[M_contra, R], *, buffer: int = 16
    ) -> AbstractAsyncContextManager[AsyncIterator[R]]:
        """Ask for a stream: ``async with ref.stream(Lines()) as lines: async for line in lines``.

        Leaving the block cuts the handler off; a handler that is ``buffer`` items ahead waits.

        Args:
            msg: A stream request of this actor's protocol.
            buffer: Items that may wait between handler and consumer; at least 1.

        Raises:
            AskCycle: Waiting would close a cycle of waits; nothing was sent.
            NotRunning: While iterating: the target has stopped; the request was not handled.
            MailboxFull: While iterating: the mailbox refused or dropped the request.
            NoReply: While iterating: the target stopped in the middle.
            Crashed: While iterating: the target crashed; ``__cause__`` is the original.
            Reject: While iterating: the target refused.
            ValueError: ``buffer`` is below 1.
        """
        cell = self._cell

        def send(envelope: Envelope) -> None:
            if envelope.deadline != math.inf:
                cell.kernel.sweeper.at(envelope.deadline, envelope)
            deliver(cell, cell.kernel.wrap(cell, envelope))

        return open_stream(cell, msg, buffer, send)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and cell_of(other) is self._cell

    def __hash__(self) -> int:
        return self._cell.serial

    def __repr__(self) -> str:
        return f"<Ref {self._cell.path}>"


def cell_of(ref: Ref[Any]) -> Cell:
    """The cell behind a ref, for the runtime's own modules."""
    return ref._cell  # noqa: SLF001 - the one door to it


def _behind_others(envelope: Envelope, turn: Any) -> Awaitable[Any]:
    """Join the throng, when the runner is on its way to the actor; else a step."""
    cell = envelope.target
    if turn is not None or cell.scope is not None or cell.signals is not None or envelope.state != QUEUED:
        return cell.kernel.step()
    cell.kernel.throng.fresh.append(envelope)
    return cell.kernel.park(envelope)


async def _wait(envelope: Envelope, timeout: float | None, sent_at: float) -> None:
    """Wait for a reply that was not there after one step."""
    cell = envelope.target
    kernel = cell.kernel
    # Under observation every step is a scheduling choice; there an ask parks at once.
    for _ in range(STEPS_MAX if kernel.plain else 0):
        # Still in the queue of an actor that is not stuck in a handler: its turn will come.
        if envelope.state != QUEUED or cell.scope is not None:
            break
        await kernel.step()
    if envelope.state < DONE:
        _set_deadline(envelope, timeout, sent_at)
    try:
        while envelope.state < DONE:
            await kernel.park(envelope)
    finally:
        envelope.waiter = None


def _set_deadline(envelope: Envelope, timeout: float | None, sent_at: float) -> None:
    """Let the sweeper watch the earliest of the timeout, the scopes' and the asking turn's deadline."""
    kernel = envelope.target.kernel
    deadline = kernel.effective_deadline()
    if deadline == -math.inf:
        # That is no deadline: the asker has been cancelled, and will hear of it.
        deadline = math.inf
    if envelope.parent is not None:
        deadline = min(deadline, envelope.parent.reach())
    if timeout is not None and sent_at + timeout <= deadline:
        deadline = envelope.asker_deadline = sent_at + timeout
    if deadline != math.inf:
        envelope.deadline = deadline
        kernel.sweeper.at(deadline, envelope)


async def _wait_for_room(cell: Cell, item: Any) -> None:
    """Queue behind the other offers until the runner lets the message in."""
    turn = TURN.get()
    cycle = find_cycle(turn, cell, item) if turn is not None else None
    if cycle is not None:
        raise AskCycle(*cycle)
    room = Room(cell, item)
    cell.offers = cell.offers if cell.offers is not None else deque()
    cell.offers.append(room)
    if turn is not None:
        turn.waits = [*(turn.waits or ()), room]
    try:
        while not room.taken and room.error is None:
            await cell.kernel.loop.park(room)
    finally:
        room.waiter = None
        if turn is not None:
            turn.waits = [wait for wait in turn.waits if wait is not room] or None
        if cell.offers and room in cell.offers:
            cell.offers.remove(room)
    if room.error is not None:
        try:
            raise room.error
        finally:
            del room
