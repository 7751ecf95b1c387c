"""What travels between actors: messages, requests, and the runtime's own notices."""

from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeVar

import attrs

R_co = TypeVar("R_co", covariant=True)
M_co = TypeVar("M_co", covariant=True)


class Message:
    """Base of every message: a frozen attrs class, deeply immutable, not subclassed further.

    Raises:
        TypeError: At definition, when a concrete message is subclassed (dispatch is by exact type).
    """

    __slots__ = ()

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        for base in cls.__mro__[1:]:
            if issubclass(base, Message) and attrs.has(base) and "__attrs_attrs__" in vars(base):
                raise TypeError(f"{cls.__qualname__} subclasses the message {base.__qualname__}")


class Request(Message, Generic[R_co]):
    """A message that is answered with an ``R``: ``class Balance(Request[int])``."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _asked(self) -> tuple[Self, R_co]:
            """For type checkers only: pairs the message with its reply."""
            raise NotImplementedError


class Asked(Protocol[M_co, R_co]):
    """Type-level view of a request: one of the messages ``M``, answered with ``R``."""

    def _asked(self) -> tuple[M_co, R_co]: ...


class Stream(Message, Generic[R_co]):
    """A message that is answered with a stream of ``T``: ``class Lines(Stream[str])``."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _streamed(self) -> tuple[Self, R_co]:
            """For type checkers only: pairs the message with its items."""
            raise NotImplementedError


class Streamed(Protocol[M_co, R_co]):
    """Type-level view of a stream request: one of the messages ``M``, answered with many ``T``."""

    def _streamed(self) -> tuple[M_co, R_co]: ...


ExitKind = Literal["normal", "shutdown", "idle", "crash", "kill", "limit"]


@attrs.frozen
class Exit:
    """Why an incarnation ended.

    Attributes:
        kind: ``normal`` (it stopped itself), ``shutdown`` (it was stopped), ``idle`` (passivated),
            ``crash`` (a handler or hook raised), ``kill``, ``limit`` (a child's restarts ran out).
        error: Type and text of the failure, empty when there was none.
        trace: The failure's formatted traceback, empty when there was none.
    """

    kind: ExitKind
    error: str = ""
    trace: str = ""

    @property
    def abnormal(self) -> bool:
        """Whether a ``transient`` child is restarted after this exit."""
        return self.kind in ("crash", "kill", "limit")


@attrs.frozen
class Terminated(Message):
    """A watched actor has stopped for good. Its earlier messages come before this one.

    Attributes:
        ref: The ``Ref`` of the actor that stopped.
        reason: Why it stopped.
    """

    ref: Any = attrs.field(metadata={"actors.shared": True})
    reason: Exit


DeadReason = Literal["stopped", "overflow", "rejected", "poison", "unhandled"]


@attrs.frozen
class DeadLetter(Message):
    """A message that nobody handled, as told to subscribers.

    Attributes:
        message: The message itself.
        reason: ``stopped``, ``overflow``, ``rejected``, ``poison`` or ``unhandled``.
        path: Path of the actor it was for.
        error: Type and text of the failure behind ``rejected`` and ``poison``.
    """

    message: Any = attrs.field(metadata={"actors.shared": True})
    reason: DeadReason
    path: str
    error: str = ""


def shared(**options: Any) -> Any:
    """Declare a message field whose value is not checked for immutability.

    Takes the options of ``attrs.field``. Sender and receiver share the value: both promise not to
    change it.
    """
    metadata = {**options.pop("metadata", {}), "actors.shared": True}
    return attrs.field(metadata=metadata, **options)
