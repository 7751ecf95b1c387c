"""What can go wrong between a client and a bridge.

::

    OrketError
    └── ClientError
        ├── Unreachable        nobody answers; ``sent`` says whether the request may have arrived
        ├── ClientProblem      the bridge answered with a problem
        └── UnexpectedAnswer   whoever answered is no bridge, or one of another time
"""

from __future__ import annotations

from orket.domain.errors import OrketError
from orket.wire.problems import Fault, Problem


class ClientError(OrketError):
    """A request to a bridge failed."""


class Unreachable(ClientError):
    """Nobody answers.

    Args:
        detail: What happened.
        sent: Whether the request may have arrived and been carried out; if not, repeating it is safe.
    """

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class ClientProblem(ClientError):
    """The bridge answered with a problem document; its members are attributes here."""

    def __init__(self, problem: Problem, *, retry_after_s: float | None = None) -> None:
        super().__init__(problem.detail)
        self.problem, self.retry_after_s = problem, retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return self.problem.status

    @property
    def kind(self) -> str:
        """The stable name of the kind of problem, for example ``run-not-found``."""
        return self.problem.type.rpartition(":")[2]

    @property
    def title(self) -> str:
        """The kind of problem, for a person."""
        return self.problem.title

    @property
    def errors(self) -> tuple[Fault, ...]:
        """What exactly is wrong, and where."""
        return self.problem.errors

    @property
    def allowed(self) -> tuple[str, ...]:
        """On a conflict: what is possible instead."""
        return self.problem.allowed


class UnexpectedAnswer(ClientError):
    """Whoever answered is no bridge of Orket, or one of another time."""
