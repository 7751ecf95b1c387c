"""From an actor class to its dispatch table: the ``on`` decorator and the checks at definition."""

import inspect
import types
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar, Generic, Literal, Never, TypeVar, Union, get_args, get_origin, overload

import attrs

from actors._envelope import Reply
from actors._immutability import check_message
from actors._mailbox import Mailbox
from actors._messages import Asked, DeadLetter, Message, Stream, Streamed, Terminated
from actors._stream import pumped
from actors._supervision import ChildSpec, Policy

A = TypeVar("A")
M = TypeVar("M")
N = TypeVar("N", bound=Message)
R = TypeVar("R")
P_M = TypeVar("P_M")

MARK = "__actors_on__"
RUNTIME_MESSAGES: tuple[type[Message], ...] = (Terminated, DeadLetter)


@attrs.frozen
class Handler:
    """One entry of the dispatch table.

    Attributes:
        message: The exact message class.
        function: The method, or what hands a generator's items over.
        concurrent: It may run at the same time as other handlers of the actor.
        cancel: ``caller``: it is cut off when its asker leaves; ``never``: it finishes.
    """

    message: type[Any]
    function: Callable[[Any, Any], Any]
    concurrent: bool = False
    cancel: Literal["never", "caller"] = "never"

    @property
    def simple(self) -> bool:
        """Whether the fast path may run it without looking at its options."""
        return not self.concurrent and self.cancel == "never"


@attrs.frozen
class Options:
    """What the class statement of an actor says after its bases."""

    mailbox: Mailbox = attrs.field(factory=Mailbox)
    spec: ChildSpec = attrs.field(factory=lambda: ChildSpec(restart="transient"))
    policy: Policy = attrs.field(factory=Policy)
    retry: int = 0
    park: bool = False
    restart_on_cancel: bool = False
    idle_timeout: float | None = None


@attrs.frozen(eq=False)
class Blueprint:
    """Everything the runtime knows about an actor class, made once when the class is defined.

    Attributes:
        table: Function by exact message class, for handlers the fast path may run.
        handlers: Every handler by exact message class.
    """

    actor: type[Any]
    name: str
    options: Options
    table: dict[type[Any], Callable[[Any, Any], Any]]
    handlers: dict[type[Any], Handler]
    has_start: bool = False
    has_stop: bool = False


class Behaviour(Generic[P_M]):
    """What can be spawned: something that handles the messages ``M``. Actors are the only kind."""

    __blueprint__: ClassVar[Blueprint]

    @classmethod
    def __prepare_cell__(cls, cell: Any) -> None:
        """Runtime only: make what must exist as soon as the cell does."""

    @classmethod
    def __handle__(cls, cell: Any) -> Any:
        """Runtime only: what a spawn of this class gives to its caller."""


@overload
def on(
    msg: type[Asked[M, R]], *, concurrent: bool = ..., cancel: Literal["never", "caller"] = ...
) -> Callable[[Callable[[A, M], Awaitable[R | Reply[R]]]], Callable[[A, M], Awaitable[R | Reply[R]]]]: ...


@overload
def on(
    msg: type[Streamed[M, R]], *, concurrent: bool = ..., cancel: Literal["never", "caller"] = ...
) -> Callable[[Callable[[A, M], AsyncIterator[R]]], Callable[[A, M], AsyncIterator[R]]]: ...


@overload
def on(
    msg: type[N], *, concurrent: bool = ..., cancel: Literal["never", "caller"] = ...
) -> Callable[[Callable[[A, N], Awaitable[None]]], Callable[[A, N], Awaitable[None]]]: ...


def on(msg: Any, *, concurrent: bool = False, cancel: Literal["never", "caller"] = "never") -> Any:
    """Make a method the handler of exactly this message class.

    Args:
        msg: The message; for a ``Request[R]`` the handler returns an ``R`` (or a ``Reply[R]``).
        concurrent: The handler only reads: it may run at the same time as others.
        cancel: ``caller`` cuts the handler off when its asker is cancelled.
    """

    def mark(function: Any) -> Any:
        setattr(function, MARK, Handler(msg, function, concurrent, cancel))
        return function

    return mark


def members(protocol: Any) -> tuple[Any, ...]:
    """The message classes of a protocol: one class or a union of them."""
    if protocol is Never:
        return ()
    if get_origin(protocol) in (Union, types.UnionType):
        return tuple(member for part in get_args(protocol) for member in members(part))
    return (protocol,)


def find_handlers(actor: type[Any]) -> dict[type[Any], Handler]:
    """The handlers of a class and its bases, by message.

    Raises:
        TypeError: Two handlers for one message, or one that is not an ``async def``.
    """
    attributes: dict[str, Any] = {}
    for base in reversed(actor.__mro__):
        attributes.update(vars(base))
    found: dict[type[Any], Handler] = {}
    for name, value in attributes.items():
        handler = getattr(value, MARK, None)
        if not isinstance(handler, Handler):
            continue
        if handler.message in found:
            first = found[handler.message].function.__name__
            raise TypeError(
                f"{actor.__qualname__}: {first} and {name} both handle {handler.message.__name__}"
            )
        found[handler.message] = check_kind(actor, name, value, handler)
    return found


def check_kind(actor: type[Any], name: str, value: Any, handler: Handler) -> Handler:
    """Hold a handler's kind against its message: a generator for a stream, else a coroutine.

    Raises:
        TypeError: It is not an ``async def``, or not of the right kind.
    """
    if issubclass(handler.message, Stream):
        if not inspect.isasyncgenfunction(value):
            raise TypeError(f"{actor.__qualname__}.{name} is not an async generator function")
        return attrs.evolve(handler, function=pumped(value))
    if not inspect.iscoroutinefunction(value):
        raise TypeError(f"{actor.__qualname__}.{name} is not an async function")
    return handler


def check_table(actor: type[Any], protocol: Any, found: dict[type[Any], Handler]) -> None:
    """Hold the handlers against the protocol.

    Raises:
        TypeError: A message without handler, a handler outside the protocol, a bad message class.
    """
    messages = members(protocol)
    for message in messages:
        if not (isinstance(message, type) and issubclass(message, Message)):
            raise TypeError(f"{actor.__qualname__}: {message!r} is not a message class")
        check_message(message)
    unhandled = [message.__name__ for message in messages if message not in found]
    if unhandled:
        raise TypeError(f"{actor.__qualname__} has no handler for {', '.join(unhandled)}")
    known = (*messages, *RUNTIME_MESSAGES)
    outside = [message.__name__ for message in found if message not in known]
    if outside:
        raise TypeError(f"{actor.__qualname__} handles {', '.join(outside)}, not in its protocol")
