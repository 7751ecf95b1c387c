"""Handlers under observation: a probe's calls, and the check that messages stay unchanged."""

from collections.abc import Callable
from typing import Any

import attrs

from actors._cell import Cell
from actors.errors import MutatedMessage, Reject


def watched(cell: Cell, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The handler, with what the system's observers want around it."""
    kernel = cell.kernel

    async def handle(instance: Any, message: Any) -> Any:
        probe, incarnation = kernel.probe, f"{cell.path}#{cell.generation}"
        before = fingerprint(message) if kernel.verify else None
        outcome = "crashed"
        try:
            if probe is not None:
                probe.before(incarnation, message)
            work = function(instance, message)
            value = await (work if kernel.drive is None else kernel.drive(incarnation, message, work))
            outcome = "handled"
        except Reject:
            outcome = "rejected"
            raise
        except kernel.loop.cancelled:
            outcome = "cut_off"
            raise
        finally:
            if probe is not None:
                probe.after(incarnation, message, outcome)
        if kernel.verify and fingerprint(message) != before:
            raise MutatedMessage(message)
        return value

    return handle


def fingerprint(value: Any) -> Any:
    """A value that differs when anything reachable in ``value`` was changed in place."""
    if attrs.has(type(value)):
        return [
            type(value),
            *(fingerprint(getattr(value, field.name)) for field in attrs.fields(type(value))),
        ]
    if isinstance(value, dict):
        return [dict, *((fingerprint(key), fingerprint(item)) for key, item in value.items())]
    if isinstance(value, list | tuple):
        return [type(value), *map(fingerprint, value)]
    if isinstance(value, set | frozenset):
        return [type(value), sorted(map(repr, value))]
    if isinstance(value, bytearray):
        return bytes(value)
    return value if isinstance(value, str | bytes | int | float | None) else (id(value), repr(value))
