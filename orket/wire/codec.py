"""JSON to typed values and back; an error names the place by JSON pointer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from orket.wire.errors import WireInvalid
from orket.wire.problems import Fault, Place

T = TypeVar("T")

_AT = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_FIELD = re.compile(r"(?:missing required field|contains unknown field) `(?P<field>[^`]*)`")
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[^\]]*)\]")

_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Write a wire value as compact JSON."""
    return _ENCODER.encode(value)


def fingerprint(method: str, path: str, body: object) -> str:
    """Name a command by what it means, however its body was spelled: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(f"{method} {path}\n".encode() + encode(body)).hexdigest()


def decode(kind: type[T], document: bytes) -> T:
    """Read a JSON document as ``kind``.

    Raises:
        WireInvalid: It is not JSON (``malformed``), or not of that shape.
    """
    try:
        try:
            return msgspec.json.decode(document, type=kind)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            # To JSON Schema, and to languages with one kind of number, 3.0 is a whole number.
            return msgspec.convert(_whole(msgspec.json.decode(document)), kind)
    except msgspec.ValidationError as error:
        raise WireInvalid([fault_of(str(error), "body")]) from None
    except msgspec.DecodeError as error:
        raise WireInvalid([Fault(pointer="", detail=str(error))], malformed=True) from None
    except UnicodeDecodeError as error:
        raise WireInvalid([Fault(pointer="", detail=f"not UTF-8: {error.reason}")], malformed=True) from None
    except RecursionError:
        raise WireInvalid([Fault(pointer="", detail="nested too deeply")], malformed=True) from None


def convert(kind: type[T], values: Mapping[str, str], place: Place) -> T:
    """Read textual values (a query, headers) as ``kind``; numbers and booleans are recognised.

    Raises:
        WireInvalid: They are not of that shape.
    """
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise WireInvalid([fault_of(str(error), place)]) from None


def fault_of(message: str, place: Place) -> Fault:
    """Turn a validation message of msgspec into a detail and a JSON pointer."""
    found = _AT.search(message)
    path = found["path"] if found else ""
    detail = message[: found.start()] if found else message
    pointer = "".join(f"/{_escape(step['name'] or step['index'])}" for step in _STEP.finditer(path))
    if named := _FIELD.search(detail):
        pointer += f"/{_escape(named['field'])}"
    return Fault(pointer=pointer, detail=detail, place=place)


def _whole(value: object) -> object:
    """Make whole numbers of those that were written with a fraction of zero."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
