"""The envelope of an ask: the message, its deadline, and the one-shot reply port in one object."""

import math
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actors._words import shown
from actors.errors import NoReply

if TYPE_CHECKING:
    from actors._cell import Cell

R = TypeVar("R")

QUEUED, RUNNING, DEFERRED, DONE, GONE = range(5)


class Envelope:
    """One ask on its way. States only move forward: queued, running, (deferred,) done or gone.

    ``gone`` means that the asker left; the outcome then has nobody to go to.
    """

    # Defaults in the class, not slots: most asks need none of these, and are made faster so.
    #: From here on the asker gets AskTimeout; its own scopes cancel it at ``deadline``.
    asker_deadline: float = math.inf
    cancel_with_asker: bool = False
    state: int = QUEUED
    error: BaseException | None = None
    value: Any = None
    waiter: Any = None
    turn: Any = None
    carried: Any = None
    channel: Any = None
    #: The ask whose handler made this one: its deadline holds here too.
    parent: "Envelope | None" = None

    def __init__(self, target: "Cell", message: Any, deadline: float) -> None:
        self.target = target
        self.message = message
        self.deadline = deadline

    def reach(self) -> float:
        """The earliest deadline of this ask and of those it was made for."""
        return self.deadline if self.parent is None else min(self.deadline, self.parent.reach())

    def succeed(self, value: Any) -> bool:
        """Deliver the reply; False when it comes second or nobody waits."""
        if self.state >= DONE:
            return False
        self.state = DONE
        self.value = value
        if self.waiter is not None:
            self.target.kernel.loop.wake(self.waiter)
        return True

    def fail(self, error: BaseException) -> bool:
        """Deliver a failure; False when it comes second or nobody waits."""
        if self.state >= DONE:
            return False
        self.state = DONE
        self.error = error
        if self.waiter is not None:
            self.target.kernel.loop.wake(self.waiter)
        return True


class Tick:
    """A timer's message or a pipe's outcome in the mailbox; void once its timer is cancelled."""

    __slots__ = ("carried", "generation", "message", "void")

    def __init__(self, message: Any, generation: int) -> None:
        self.message = message
        self.generation = generation
        self.void = False
        self.carried: Any = None


class Reply(Generic[R]):
    """A reply that comes later: made by ``ctx.defer``, returned by the handler, kept in the state.

    Losing it (the actor stops or restarts, or nothing refers to it any more) fails the asker with
    ``NoReply`` at once.
    """

    __slots__ = ("__weakref__", "_envelope")

    def __init__(self, envelope: Envelope | None) -> None:
        self._envelope = envelope

    def reply(self, value: R) -> None:
        """Answer the asker. A second outcome is ignored and counted."""
        self._close(value, None)

    def fail(self, error: BaseException) -> None:
        """Let the asker's ``ask`` raise ``error``. A second outcome is ignored and counted."""
        self._close(None, error)

    def _close(self, value: Any, error: BaseException | None) -> None:
        envelope = self._envelope
        if envelope is None:
            return
        cell = envelope.target
        if cell.replies is not None:
            cell.replies.pop(id(envelope), None)
        sent = envelope.succeed(value) if error is None else envelope.fail(error)
        if not sent:
            cell.kernel.counters["second_replies"] += 1

    def __del__(self) -> None:
        envelope = self._envelope
        if envelope is not None and envelope.state < DONE:
            envelope.target.kernel.from_anywhere(lose, envelope)


def lose(envelope: Envelope) -> None:
    """Fail the asker of a reply that can no longer come."""
    cell = envelope.target
    if cell.replies is not None:
        cell.replies.pop(id(envelope), None)
    envelope.fail(NoReply(f"{cell.path} lost the reply to {shown(envelope.message)}", cell.path))
