"""What is refused when a class is defined: messages that may change, tables with holes."""

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NewType, TypeVar

import attrs
import pytest

from actors import Actor, Mailbox, Message, Ref, Reply, Request, on, shared

M = TypeVar("M")
Cents = NewType("Cents", int)


class Colour(enum.Enum):
    RED = 1


@attrs.frozen
class Point:
    x: int
    y: "Point | None" = None


@attrs.frozen
class Rich(Message):
    """Every kind of field that is allowed."""

    a: bool | int | float | str | bytes | None
    b: tuple[int, ...]
    c: frozenset[tuple[str, Colour]]
    d: Literal["x", 1]
    e: datetime.datetime | datetime.date | datetime.timedelta
    f: uuid.UUID
    g: Path
    h: decimal.Decimal
    i: Point
    j: Annotated[int, "positive"]
    k: Cents
    m: "Ref[Rich]"
    n: Reply[int]
    o: Message
    p: Any = shared()  # noqa: RUF009 - it is a field specifier
    q: list[int] = shared(factory=list)  # noqa: RUF009 - it is a field specifier


def test_immutable_fields_are_accepted() -> None:
    class Accepts(Actor[Rich]):
        @on(Rich)
        async def rich(self, m: Rich) -> None: ...

    assert list(Accepts.__blueprint__.handlers) == [Rich]


@attrs.define
class Soft:
    x: int


@pytest.mark.parametrize(
    "kind",
    [
        list[int], dict[str, int], set[int], bytearray, Any, object, Soft, tuple[list[int], ...],
        tuple, frozenset, Callable[[], None], int | list[str],
    ],
)  # fmt: skip
def test_mutable_fields_are_refused(kind: Any) -> None:
    message = attrs.make_class("Bad", {"field": attrs.field(type=kind)}, (Message,), frozen=True)

    with pytest.raises(TypeError, match=r"Bad\.field|Soft is not frozen"):

        class Refuses(Actor[message]):  # type: ignore[valid-type]
            @on(message)
            async def bad(self, m: Any) -> None: ...


def test_an_undecorated_message_is_refused() -> None:
    class Plain(Message): ...

    with pytest.raises(TypeError, match=r"Plain is not decorated with attrs\.frozen"):

        class Refuses(Actor[Plain]):
            @on(Plain)
            async def plain(self, m: Plain) -> None: ...


def test_a_message_that_is_not_frozen_is_refused() -> None:
    @attrs.define
    class Loose(Message): ...

    with pytest.raises(TypeError, match="Loose is not frozen"):

        class Refuses(Actor[Loose]):
            @on(Loose)
            async def loose(self, m: Loose) -> None: ...


@attrs.frozen
class One(Message):
    pass


@attrs.frozen
class Two(Request[int]):
    pass


def test_a_subclass_of_a_message_is_refused() -> None:
    with pytest.raises(TypeError, match="subclasses the message One"):

        @attrs.frozen
        class Special(One):
            pass


def test_a_message_without_handler_is_refused() -> None:
    with pytest.raises(TypeError, match="Half has no handler for Two"):

        class Half(Actor[One | Two]):
            @on(One)
            async def one(self, m: One) -> None: ...


def test_a_handler_outside_the_protocol_is_refused() -> None:
    with pytest.raises(TypeError, match="Wide has handlers outside its protocol for Two"):

        class Wide(Actor[One]):
            @on(One)
            async def one(self, m: One) -> None: ...

            @on(Two)
            async def two(self, m: Two) -> int:
                return 2


def test_two_handlers_for_one_message_are_refused() -> None:
    with pytest.raises(TypeError, match="first and second both handle One"):

        class Double(Actor[One]):
            @on(One)
            async def first(self, m: One) -> None: ...

            @on(One)
            async def second(self, m: One) -> None: ...


def test_a_handler_that_is_not_async_is_refused() -> None:
    with pytest.raises(TypeError, match="not an async function"):

        class Sync(Actor[One]):
            @on(One)  # type: ignore[arg-type]
            def one(self, m: One) -> None: ...


def test_a_base_class_may_be_generic_and_a_subclass_may_override() -> None:
    class Base(Actor[M], Generic[M], mailbox=Mailbox(7), restart="temporary"):
        @on(One)
        async def one(self, m: One) -> None: ...

    class Child(Base[One | Two]):
        @on(Two)
        async def two(self, m: Two) -> int:
            return 2

    class Grandchild(Child, shutdown=1):
        @on(Two)
        async def two(self, m: Two) -> int:
            return 3

    assert "__blueprint__" not in vars(Base)
    assert set(Grandchild.__blueprint__.handlers) == {One, Two}
    assert Grandchild.__blueprint__.tables[None][Two].function is Grandchild.two
    options = Grandchild.__blueprint__.options
    assert (options.mailbox.capacity, options.spec.restart, options.spec.shutdown) == (7, "temporary", 1)


class Forward(Actor["One | Two"]):
    @on(One)
    async def one(self, m: One) -> None: ...

    @on(Two)
    async def two(self, m: Two) -> int:
        return 2


def test_a_protocol_may_be_a_forward_reference() -> None:
    assert set(Forward.__blueprint__.handlers) == {One, Two}


@pytest.mark.parametrize(
    "options",
    [
        {"restart": "often"}, {"strategy": "one_for_none"}, {"shutdown": -1}, {"intensity": (1, 0)},
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        type("Bad", (Forward,), {}, **options)


def test_mailbox_options_out_of_range_are_refused() -> None:
    for arguments in ((0,), (1, "sometimes"), (1, "coalesce")):
        with pytest.raises(ValueError, match=r".+"):
            Mailbox(*arguments)  # type: ignore[arg-type]
