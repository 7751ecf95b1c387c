"""Dispatch tables, and the checks they must pass when an actor class is defined."""

import inspect
from collections.abc import Iterable
from enum import Enum
from typing import Any

import attrs

from actors._immutability import check_message
from actors._messages import DeadLetter, Message, Stream, Terminated
from actors._protocol import MARK, Handler, Options, members
from actors._stream import pumped

RUNTIME_MESSAGES: tuple[type[Message], ...] = (Terminated, DeadLetter)

#: Handlers by exact message class.
Table = dict[type[Any], Handler]


def find_handlers(actor: type[Any]) -> list[Handler]:
    """The handlers of a class and its bases; an overridden method counts where it is now.

    Raises:
        TypeError: One is not an ``async def``.
    """
    attributes: dict[str, Any] = {}
    for base in reversed(actor.__mro__):
        attributes.update(vars(base))
    return [
        check_kind(actor, name, value, handler)
        for name, value in attributes.items()
        if isinstance(handler := getattr(value, MARK, None), Handler)
    ]


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


def lay_out(actor: type[Any], handlers: list[Handler], options: Options) -> dict[Enum | None, Table]:
    """One table per state; an actor without states has one, under None.

    Raises:
        TypeError: Two handlers for one message in one state, or a state of another actor.
    """
    states: tuple[Enum | None, ...] = tuple(options.states) if options.states is not None else (None,)
    tables: dict[Enum | None, Table] = {state: {} for state in states}
    for handler in handlers:
        for state in handler.states or states:
            if state not in tables:
                raise TypeError(f"{actor.__qualname__}: {handler.name} is for the unknown state {state!r}")
            present = tables[state].setdefault(handler.message, handler)
            if present is not handler:
                where = f" in {state}" if state is not None else ""
                raise TypeError(
                    f"{actor.__qualname__}: {present.name} and {handler.name} both handle "
                    f"{handler.message.__name__}{where}"
                )
    return tables


def check_tables(actor: type[Any], protocol: Any, tables: dict[Enum | None, Table], options: Options) -> None:
    """Hold the handlers against the protocol, state by state.

    Raises:
        TypeError: A message without handler, a handler outside the protocol, a bad message class.
    """
    messages = members(protocol)
    for message in messages:
        if not (isinstance(message, type) and issubclass(message, Message)):
            raise TypeError(f"{actor.__qualname__}: {message!r} is not a message class")
        check_message(message)
    found = {message for table in tables.values() for message in table}
    _refuse(actor, "has no handler for", [one for one in messages if one not in found])
    known = (*messages, *RUNTIME_MESSAGES)
    _refuse(actor, "has handlers outside its protocol for", [one for one in found if one not in known])
    if options.default is None:
        for state, table in tables.items():
            missing = [message for message in messages if message not in table]
            _refuse(actor, f"has, in {state}, no handler for", missing)


def _refuse(actor: type[Any], what: str, messages: Iterable[type[Any]]) -> None:
    names = sorted(message.__name__ for message in messages)
    if names:
        raise TypeError(f"{actor.__qualname__} {what} {', '.join(names)}")
