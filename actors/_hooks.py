"""The seams a simulator takes over; all ``None`` in production, where they cost nothing."""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from random import Random
from typing import Any, Protocol

import attrs


class Probe(Protocol):
    """Sees what the runtime does, at the moment it does it. Its methods must not raise."""

    def enqueue(self, path: str, message: Any) -> None:
        """A message entered the mailbox of the actor at ``path``."""

    def before(self, incarnation: str, message: Any) -> None:
        """A handler is about to run; ``incarnation`` is ``path#number``. May raise to crash it."""

    def after(self, incarnation: str, message: Any, outcome: str) -> None:
        """A handler ended: ``handled``, ``rejected``, ``cut_off`` or ``crashed``."""

    def reply(self, path: str, message: Any) -> None:
        """The actor at ``path`` answered ``message``."""

    def start(self, incarnation: str) -> None:
        """An incarnation is about to be constructed. May raise to fail the start."""

    def stop(self, incarnation: str) -> None:
        """An ``on_stop`` is about to run. May raise in its place."""

    def restart(self, incarnation: str) -> None:
        """A new incarnation was started after a failure."""

    def timer(self, incarnation: str, message: Any) -> None:
        """A timer put ``message`` into its own actor's mailbox."""


@attrs.frozen
class Hooks:
    """The injectable seams of a system.

    Attributes:
        clock: Gives the time in seconds instead of the event loop.
        random: Draws for backoff jitter.
        choose: Given the incarnations that are ready, in the order they became so, the index of
            the one that runs next.
        probe: Is told what happens.
        drive: With a probe: awaits each handler's coroutine in its place; given the incarnation,
            the message and the coroutine.
        opened: Is given each system as it is entered.
    """

    clock: Callable[[], float] | None = None
    random: Random | None = None
    choose: Callable[[Sequence[str]], int] | None = None
    probe: Probe | None = None
    drive: Callable[[str, Any, Awaitable[Any]], Awaitable[Any]] | None = None
    opened: Callable[[Any], None] | None = None


#: What a system uses that was given no hooks; set around code that is to run under a simulator.
AMBIENT: ContextVar[Hooks | None] = ContextVar("actors.hooks", default=None)
