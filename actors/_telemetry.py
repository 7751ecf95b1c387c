"""Seams for tracing systems such as OpenTelemetry, and what a message carries for them."""

import contextvars
from contextlib import AbstractContextManager
from typing import Any, Protocol

import attrs


class Telemetry(Protocol):
    """Makes spans: one root span per handled message, linked to the sender's.

    For an ask the handling span is the sender's child; for a tell it is only linked, or chains of
    messages would nest without end. Without a telemetry the runtime pays a null check.
    """

    def sent(self, path: str, message: Any, asked: bool) -> Any:
        """A message leaves its sender for ``path``; gives the token that travels with it."""

    def handling(
        self, path: str, message: Any, token: Any, asked: bool, waited_s: float
    ) -> AbstractContextManager[Any]:
        """The span of the handling; ``waited_s`` is the time in the mailbox."""


@attrs.frozen(eq=False)
class Luggage:
    """What travels with a message besides it.

    Attributes:
        token: The telemetry's.
        sent_at: Clock reading when it was sent.
        values: The context variables that the system carries, with their values at the sender.
    """

    token: Any
    sent_at: float
    values: tuple[tuple[contextvars.ContextVar[Any], Any], ...]


class Parcel:
    """A told message with luggage; an ask has it in its envelope."""

    __slots__ = ("carried", "message")

    def __init__(self, message: Any, carried: Luggage) -> None:
        self.message = message
        self.carried = carried


def packed(
    variables: tuple[contextvars.ContextVar[Any], ...],
) -> tuple[tuple[contextvars.ContextVar[Any], Any], ...]:
    """The variables that are set at the sender, with their values."""
    present = contextvars.copy_context()
    return tuple((variable, present[variable]) for variable in variables if variable in present)
