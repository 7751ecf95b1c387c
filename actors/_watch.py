"""Handlers under observation: a probe's calls, and the check that messages stay unchanged."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import attrs

from actors._cell import Cell
from actors._envelope import Envelope
from actors.errors import MutatedMessage, Reject


@attrs.frozen
class TraceRecord:
    """One handled message of a traced actor.

    Attributes:
        message: The message.
        outcome: ``handled``, ``rejected``, ``cut_off`` or ``crashed``.
        seconds: How long its handler ran, waits included.
    """

    message: Any
    outcome: str
    seconds: float


def watched(cell: Cell, item: Any, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The handler, with what the system's observers want around it."""
    kernel = cell.kernel

    async def handle(instance: Any, message: Any) -> Any:
        with ExitStack() as stack:
            observe(cell, item, message, stack)
            work = function(instance, message)
            if kernel.drive is not None:
                work = kernel.drive(f"{cell.path}#{cell.generation}", message, work)
            before = fingerprint(message) if kernel.verify else None
            value = await work
            if kernel.verify and fingerprint(message) != before:
                raise MutatedMessage(message)
            return value

    return handle


def carrying(item: Any, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The handler, after the variables that its message carries are set; as it is when there are none."""
    luggage = getattr(item, "carried", None)
    if luggage is None or not luggage.values:
        return function

    async def handle(instance: Any, message: Any) -> Any:
        for variable, value in luggage.values:
            variable.set(value)
        return await function(instance, message)

    return handle


def observe(cell: Cell, item: Any, message: Any, stack: ExitStack) -> None:
    """Open the handler's span, set what the message carries, and plan the reports."""
    kernel, started = cell.kernel, cell.kernel.loop.now()
    luggage = getattr(item, "carried", None)
    if luggage is not None:
        for variable, value in luggage.values:
            variable.set(value)
        if kernel.telemetry is not None:
            asked, waited = item.__class__ is Envelope, started - luggage.sent_at
            span = kernel.telemetry.handling(cell.path, message, luggage.token, asked, waited)
            stack.enter_context(span)

    def report(_: Any, failure: BaseException | None, __: Any) -> None:
        outcome = outcome_of(kernel, failure)
        if kernel.probe is not None:
            kernel.probe.after(f"{cell.path}#{cell.generation}", message, outcome)
        for trace in cell.tracers or ():
            trace(TraceRecord(message, outcome, kernel.loop.now() - started))

    stack.push(report)
    if kernel.probe is not None:
        kernel.probe.before(f"{cell.path}#{cell.generation}", message)


def outcome_of(kernel: Any, failure: BaseException | None) -> str:
    """The end of a handler as a word."""
    if failure is None:
        return "handled"
    if isinstance(failure, Reject):
        return "rejected"
    return "cut_off" if isinstance(failure, kernel.loop.cancelled) else "crashed"


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
