"""The context: what an actor can do besides handling its message."""

from collections.abc import Awaitable, Callable, Hashable
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from actors._cell import TURN, Cell, Kind, Signal, State
from actors._delivery import force
from actors._envelope import DEFERRED, RUNNING, Envelope, Reply
from actors._messages import Exit, Request, Terminated
from actors._pipes import start_pipe
from actors._ref import Ref, cell_of
from actors._spawn import Spawner
from actors._states import become
from actors._timers import cancel_timer, start_timer
from actors.errors import NotRunning

if TYPE_CHECKING:
    from actors._system import ActorSystem

M = TypeVar("M")
R = TypeVar("R")
V = TypeVar("V")


class Context(Spawner, Generic[M]):
    """One incarnation's way to the runtime, as ``self.ctx``; useless once the incarnation ended."""

    __slots__ = ("_cell", "_generation")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._generation = cell.generation

    def _parent(self) -> Cell:
        return self._live()

    def _live(self) -> Cell:
        cell = self._cell
        if self._generation != cell.generation:
            raise NotRunning(f"{cell.path}: this incarnation has ended", cell.path)
        return cell

    @property
    def self(self) -> Ref[M]:
        """The actor's own ref."""
        return Ref(self._cell)

    @property
    def path(self) -> str:
        """Names from the system down to this actor, joined by ``/``."""
        return self._cell.path

    @property
    def name(self) -> str:
        """This actor's own name."""
        return self._cell.name

    @property
    def system(self) -> "ActorSystem":
        """The system this actor lives in."""
        system: ActorSystem = self._cell.kernel.system
        return system

    async def stop_child(self, ref: Ref[Any]) -> None:
        """Stop a child and return when it is gone.

        Raises:
            ValueError: ``ref`` is not a child of this actor.
        """
        child = cell_of(ref)
        if child.parent is not self._cell:
            raise ValueError(f"{child.path} is not a child of {self._cell.path}")
        child.ending = True
        child.post(Signal(Kind.STOP, Exit("shutdown")))
        await child.until(State.STOPPED)

    def stop(self) -> None:
        """Stop this actor normally after the current handler. Queued messages are not handled."""
        self._live().post(Signal(Kind.STOP, Exit("normal")))

    def watch(self, ref: Ref[Any]) -> None:
        """Receive ``Terminated(ref, reason)`` when ``ref`` stops for good, or now if it has.

        Restarts are not reported. The watch ends with the incarnation.

        Raises:
            TypeError: The actor has no handler for ``Terminated``.
        """
        cell, target = self._live(), cell_of(ref)
        if Terminated not in cell.blueprint.handlers:
            raise TypeError(f"{cell.blueprint.name} watches but has no @on(Terminated) handler")
        if target.state is State.STOPPED:
            force(cell, Terminated(ref, target.exit or Exit("normal")))
            return
        target.watchers = target.watchers if target.watchers is not None else {}
        target.watchers[cell] = None
        cell.watching = cell.watching if cell.watching is not None else {}
        cell.watching[target] = None

    def unwatch(self, ref: Ref[Any]) -> None:
        """Take a watch back; a ``Terminated`` that already waits is still handled."""
        cell, target = self._cell, cell_of(ref)
        if target.watchers is not None:
            target.watchers.pop(cell, None)
        if cell.watching is not None:
            cell.watching.pop(target, None)

    def defer(self, message: Request[R]) -> Reply[R]:
        """Promise the reply to the message being handled; the handler returns the promise.

        Raises:
            ValueError: ``message`` is not the one this actor is handling now.
        """
        self._live()
        turn = TURN.get()
        current = turn.current if turn is not None else None
        if not isinstance(current, Envelope):
            if current is message or getattr(current, "message", None) is message:
                return Reply(None)  # it was told, maybe with luggage: nobody waits for an answer
            raise ValueError(f"{self._cell.path} is not handling {message!r}")
        if current.message is not message:
            raise ValueError(f"{self._cell.path} is not handling {message!r}")
        if current.state == RUNNING:
            current.state = DEFERRED
        if self._cell.replies is None:
            self._cell.replies = {}
        self._cell.replies[id(current)] = current
        return Reply(current)

    def pipe(
        self,
        source: Awaitable[V] | Callable[[], Awaitable[V]],
        on_value: Callable[[V], M],
        on_error: Callable[[Exception], M] | None = None,
    ) -> None:
        """Run ``source`` beside the handlers; its outcome comes back as a message to self.

        Args:
            source: An awaitable, or an async function without arguments.
            on_value: Makes the message from the result.
            on_error: Makes the message from the failure; without it the actor crashes.

        It is cut off when this incarnation ends; its outcome is never refused by a full mailbox.

        Raises:
            MailboxFull: 1,024 pipes of this actor are in flight; nothing was started.
            NotRunning: This incarnation has ended; nothing was started.
        """
        start_pipe(self._live(), source, on_value, on_error)

    def after(self, seconds: float, message: M, *, key: Hashable | None = None) -> Hashable:
        """Send ``message`` to self once, in ``seconds``.

        Args:
            seconds: From now; 0 or more.
            message: A message of this actor's protocol.
            key: Replaces the timer of the same key; without one, a new key.

        Returns:
            The key, for ``cancel_timer``.
        """
        return self._timer(seconds, message, None, key)

    def every(self, seconds: float, message: M, *, key: Hashable | None = None) -> Hashable:
        """Send ``message`` to self every ``seconds``, first after ``seconds``.

        At most one of these messages waits in the mailbox: a slow actor skips beats.

        Args:
            seconds: The period; more than 0.
            message: A message of this actor's protocol.
            key: Replaces the timer of the same key; without one, a new key.

        Returns:
            The key, for ``cancel_timer``.
        """
        return self._timer(seconds, message, seconds, key)

    def _timer(self, seconds: float, message: M, interval: float | None, key: Hashable | None) -> Hashable:
        cell = self._live()
        key = ("timer", cell.kernel.next_serial()) if key is None else key
        start_timer(cell, key, message, seconds, interval)
        return key

    def become(self, state: Enum) -> None:
        """Change the actor's state; see ``Actor.become``."""
        become(self._live(), state)

    async def run_blocking(self, function: Callable[..., V], *args: Any) -> V:
        """Call a blocking function in a worker thread of the system, and wait for it.

        A handler that is cut off abandons the call, which runs to its end unheard.

        Args:
            function: Must not touch the actor's state or any ref.
            args: For the function.
        """
        return await self._cell.kernel.run_blocking(function, *args)

    def in_loop(self, function: Callable[..., Any], *args: Any) -> Any:
        """From the thread of a threaded actor: call in the event loop, and wait for the result.

        Args:
            function: A function or an async function, such as ``ref.tell`` or ``ref.ask``.
            args: For the function.
        """
        return self._cell.kernel.loop.call_in_loop(function, *args)

    def cancel_timer(self, key: Hashable) -> bool:
        """Cancel a timer, and its message if that still waits; False when there is no such key."""
        return cancel_timer(self._cell, key)
