"""From an actor class to its dispatch table: the ``on`` decorator and the checks at definition."""

import types
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum
from typing import Any, ClassVar, Generic, Literal, Never, TypeVar, Union, get_args, get_origin, overload

import attrs

from actors._envelope import Reply
from actors._mailbox import Mailbox
from actors._messages import Asked, Message, Streamed
from actors._supervision import ChildSpec, Policy

A = TypeVar("A")
M = TypeVar("M")
N = TypeVar("N", bound=Message)
R = TypeVar("R")
P_M = TypeVar("P_M")

Cancel = Literal["never", "caller"]
States = Enum | tuple[Enum, ...] | None

MARK = "__actors_on__"


@attrs.frozen
class Handler:
    """One entry of the dispatch table.

    Attributes:
        message: The exact message class.
        function: The method, or what hands a generator's items over.
        concurrent: It may run at the same time as other handlers of the actor.
        cancel: ``caller``: it is cut off when its asker leaves; ``never``: it finishes.
        states: Where it applies; empty for everywhere.
        name: The method's name.
    """

    message: type[Any]
    function: Callable[[Any, Any], Any]
    concurrent: bool = False
    cancel: Cancel = "never"
    states: tuple[Enum, ...] = ()
    name: str = ""

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
    states: type[Enum] | None = None
    default: Literal["postpone", "unhandled"] | None = None
    threaded: bool = False


@attrs.frozen(eq=False)
class Blueprint:
    """Everything the runtime knows about an actor class, made once when the class is defined.

    Attributes:
        handlers: Every message class that is handled in some state.
        tables: Handler by exact message class, by state (None without states).
        fast: Function by exact message class, for handlers the fast path may run, by state.
        initial: The state of a new incarnation.
    """

    actor: type[Any]
    name: str
    options: Options
    handlers: frozenset[type[Any]]
    tables: dict[Enum | None, dict[type[Any], Handler]]
    fast: dict[Enum | None, dict[type[Any], Callable[[Any, Any], Any]]]
    initial: Enum | None
    has_start: bool = False
    has_stop: bool = False
    #: Without declared children, nothing in its start can wait: no hook, no thread.
    prompt: bool = False
    #: Of a crash, nothing but the instance has to be looked after.
    light: bool = False
    #: Nothing of the class runs at a start or a stop: the instance can wait for the first message.
    blank: bool = False


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
    msg: type[Asked[M, R]], *, concurrent: bool = ..., cancel: Cancel = ..., state: States = ...
) -> Callable[[Callable[[A, M], Awaitable[R | Reply[R]]]], Callable[[A, M], Awaitable[R | Reply[R]]]]: ...


@overload
def on(
    msg: type[Streamed[M, R]], *, concurrent: bool = ..., cancel: Cancel = ..., state: States = ...
) -> Callable[[Callable[[A, M], AsyncIterator[R]]], Callable[[A, M], AsyncIterator[R]]]: ...


@overload
def on(
    msg: type[N], *, concurrent: bool = ..., cancel: Cancel = ..., state: States = ...
) -> Callable[[Callable[[A, N], Awaitable[None]]], Callable[[A, N], Awaitable[None]]]: ...


def on(msg: Any, *, concurrent: bool = False, cancel: Cancel = "never", state: States = None) -> Any:
    """Make a method the handler of exactly this message class.

    Args:
        msg: The message; for a ``Request[R]`` the handler returns an ``R`` (or a ``Reply[R]``).
        concurrent: The handler only reads: it may run at the same time as others.
        cancel: ``caller`` cuts the handler off when its asker is cancelled.
        state: The state, or states, in which it applies; None for all.
    """
    states = (state,) if isinstance(state, Enum) else tuple(state or ())

    def mark(function: Any) -> Any:
        setattr(function, MARK, Handler(msg, function, concurrent, cancel, states, function.__name__))
        return function

    return mark


def members(protocol: Any) -> tuple[Any, ...]:
    """The message classes of a protocol: one class or a union of them."""
    if protocol is Never:
        return ()
    if get_origin(protocol) in (Union, types.UnionType):
        return tuple(member for part in get_args(protocol) for member in members(part))
    return (protocol,)
