"""Messages are deeply immutable: the check of a message class, by the types of its fields."""

import datetime
import decimal
import enum
import fractions
import ipaddress
import pathlib
import types
import typing
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union, get_args, get_origin

import attrs

from actors._envelope import Reply
from actors._messages import Message

ATOMS: tuple[type[Any], ...] = (
    bool,
    bytes,
    complex,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    enum.Enum,
    float,
    fractions.Fraction,
    int,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    pathlib.PurePath,
    range,
    str,
    types.NoneType,
    uuid.UUID,
)
CONTAINERS = (tuple, frozenset, Union, types.UnionType)


def check_message(message: type[Any]) -> None:
    """Refuse a message class that is not a frozen attrs class of immutable fields.

    Raises:
        TypeError: Naming the class and, where it is one, the field.
    """
    if "__attrs_attrs__" not in vars(message):
        raise TypeError(f"the message {message.__qualname__} is not decorated with attrs.frozen")
    _check_fields(message, ())


def _check_fields(cls: Any, above: tuple[type[Any], ...]) -> None:
    if cls in above:
        return
    if not _frozen(cls):
        raise TypeError(f"{cls.__qualname__} is not frozen")
    hints = _hints(cls)
    for field in attrs.fields(cls):
        if not field.metadata.get("actors.shared"):
            _check_type(hints[field.name], f"{cls.__qualname__}.{field.name}", (*above, cls))


@lru_cache(1024)
def _hints(cls: Any) -> Mapping[str, Any]:
    """Resolve the annotations of a class once, however many messages hold one."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise TypeError(f"{cls.__qualname__}: cannot resolve a field type: {error}") from error


def _frozen(cls: type[Any]) -> bool:
    """Whether attrs made the class frozen (it then refuses every attribute assignment)."""
    return (
        attrs.has(cls)
        and cls.__setattr__ is not object.__setattr__
        and ("frozen" in cls.__setattr__.__name__)
    )


def _check_type(kind: Any, where: str, above: tuple[type[Any], ...]) -> None:
    origin = get_origin(kind)
    if origin in (Annotated, Final) or isinstance(kind, NewType):
        inner = kind.__supertype__ if isinstance(kind, NewType) else get_args(kind)[0]
        _check_type(inner, where, above)
    elif origin in (Literal, type) or kind in (None, Ellipsis, ()):
        return
    elif isinstance(kind, TypeVar):
        _check_type(kind.__bound__, where, above)
    elif origin in CONTAINERS:
        for part in get_args(kind):
            _check_type(part, where, above)
    else:
        _check_class(origin or kind, kind, where, above)


def _check_class(cls: Any, kind: Any, where: str, above: tuple[type[Any], ...]) -> None:
    # Ref stands above this module in the order of imports, so it is known by its mark.
    known = (*ATOMS, Message, Reply)
    if not isinstance(cls, type) or cls is object:
        raise TypeError(f"{where}: {kind!r} may be mutable; declare the field with shared()")
    if getattr(cls, "__actors_address__", False):
        return
    if attrs.has(cls):
        _check_fields(cls, above)
    elif not issubclass(cls, known):
        raise TypeError(f"{where}: {kind!r} is mutable; declare the field with shared()")
