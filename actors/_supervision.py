"""Supervision decided by pure functions; the runtime carries the decisions out.

=================  =====================================================================
option             values (the default first)
=================  =====================================================================
``restart``        ``permanent``: always restarted · ``transient``: restarted after an
                   abnormal exit (crash, kill, limit) · ``temporary``: never restarted
``strategy``       ``one_for_one``: the child alone · ``one_for_all``: every child ·
                   ``rest_for_one``: the child and those started after it
``intensity``      ``(3, 5.0)``: restarts allowed within so many seconds; one more and the
                   supervisor stops its children and fails upward
``backoff``        ``None``: restart at once · ``Backoff(...)``: wait, longer each time
``shutdown``       ``5.0``: seconds for the current handler, then again for ``on_stop`` ·
                   ``0``: cut off at once · ``math.inf``: no limit
``significant``    ``False`` · ``True``: the normal end of this child ends its supervisor
=================  =====================================================================

A child is restarted in its cell: its ref and its mailbox stay. Children stop in reverse start
order and start in start order. The words are those of Erlang/OTP's ``supervisor``.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import attrs

from actors._messages import Exit

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]
Restart = Literal["permanent", "transient", "temporary"]
Intensity = tuple[int, float]

STRATEGIES: tuple[Strategy, ...] = ("one_for_one", "one_for_all", "rest_for_one")
RESTARTS: tuple[Restart, ...] = ("permanent", "transient", "temporary")


def _at_least_zero(_: object, attribute: "attrs.Attribute[float]", value: float) -> None:
    if not value >= 0:
        raise ValueError(f"{attribute.name} must not be negative: {value}")


@attrs.frozen
class Backoff:
    """How long to wait before a restart: longer each time, with jitter.

    Attributes:
        initial: Seconds before the first restart.
        maximum: Seconds, the longest wait before jitter.
        factor: Growth per restart in a row, at least 1.
        jitter: Share of the wait that is drawn at random, 0 to 1; 0.2 means ± 20 %.
        reset_after: Seconds a child must live for its next failure to count as the first.
    """

    initial: float = attrs.field(default=0.1, validator=_at_least_zero)
    maximum: float = attrs.field(default=30.0, validator=_at_least_zero)
    factor: float = attrs.field(default=2.0, validator=attrs.validators.ge(1.0))
    jitter: float = attrs.field(default=0.2, validator=[attrs.validators.ge(0.0), attrs.validators.le(1.0)])
    reset_after: float = attrs.field(default=60.0, validator=_at_least_zero)

    def delay(self, failures: int, draw: float) -> float:
        """Seconds to wait after ``failures`` in a row (1 or more); ``draw`` is in [0, 1)."""
        try:
            wait = min(self.maximum, self.initial * self.factor ** (failures - 1))
        except OverflowError:
            wait = self.maximum
        return wait * (1 + self.jitter * (2 * draw - 1))


@attrs.frozen
class Policy:
    """How a supervisor treats its children."""

    strategy: Strategy = attrs.field(default="one_for_one", validator=attrs.validators.in_(STRATEGIES))
    intensity: Intensity = (3, 5.0)

    def __attrs_post_init__(self) -> None:
        restarts_max, period_s = self.intensity
        if restarts_max < 0 or not period_s > 0:
            raise ValueError(f"intensity is (restarts >= 0, seconds > 0), not {self.intensity}")


@attrs.frozen
class ChildSpec:
    """How one child is restarted and stopped."""

    restart: Restart = attrs.field(default="permanent", validator=attrs.validators.in_(RESTARTS))
    shutdown: float = attrs.field(default=5.0, validator=_at_least_zero)
    backoff: Backoff | None = None
    significant: bool = False


@attrs.frozen
class Forget:
    """The child is gone for good and nobody else is touched."""


@attrs.frozen
class Finish:
    """The child is gone and, being significant, takes its supervisor with it."""


@attrs.frozen
class GiveUp:
    """The intensity is exceeded: the supervisor fails."""


class RestartChildren(NamedTuple):
    """Stop those of ``indexes`` that run, last first, then start them, first first.

    Attributes:
        indexes: Positions among the supervisor's children, in start order.
        delay: Seconds to wait before the start.
        failures: Failures in a row of the child, this one included.
    """

    indexes: tuple[int, ...]
    delay: float
    failures: int


Decision = Forget | Finish | GiveUp | RestartChildren


def wants_restart(restart: Restart, reason: Exit) -> bool:
    """Whether a child with this ``restart`` comes back after that exit."""
    if restart == "permanent":
        return reason.kind != "idle"
    return restart == "transient" and reason.abnormal


def affected(strategy: Strategy, index: int, count: int) -> tuple[int, ...]:
    """Positions that restart together with the child at ``index`` of ``count``."""
    if strategy == "one_for_one":
        return (index,)
    return tuple(range(0 if strategy == "one_for_all" else index, count))


def exceeds(intensity: Intensity, history: Sequence[float], now: float) -> bool:
    """Whether one more restart at ``now`` is too many; ``history`` has the earlier ones' times.

    The restart that lies ``restarts_max`` back decides: if it still counts, so do all since.
    """
    restarts_max, period_s = intensity
    if restarts_max == 0:
        return True
    return len(history) >= restarts_max and now - history[-restarts_max] < period_s


def decide(
    policy: Policy,
    spec: ChildSpec,
    reason: Exit,
    *,
    index: int,
    count: int,
    history: Sequence[float],
    failures: int,
    lived: float,
    now: float,
    draw: float,
) -> Decision:
    """What a supervisor does about the exit of the child at ``index`` of ``count``.

    ``failures`` counts this child's failures in a row before this one, ``lived`` its seconds since
    the last start, ``draw`` is a random number in [0, 1).
    """
    if not wants_restart(spec.restart, reason):
        return Finish() if spec.significant and not reason.abnormal else Forget()
    if exceeds(policy.intensity, history, now):
        return GiveUp()
    in_a_row = 1 if spec.backoff and lived >= spec.backoff.reset_after else failures + 1
    delay = spec.backoff.delay(in_a_row, draw) if spec.backoff else 0.0
    return RestartChildren(affected(policy.strategy, index, count), delay, in_a_row)


def restarts_alone(
    policy: Policy, spec: ChildSpec, reason: Exit, history: Sequence[float], now: float
) -> bool:
    """Whether ``decide`` would restart this child, at once and no other: the commonest decision, cheaper."""
    return (
        spec.backoff is None
        and policy.strategy == "one_for_one"
        and wants_restart(spec.restart, reason)
        and not exceeds(policy.intensity, history, now)
    )


def limit(shutdown: float, now: float) -> float:
    """The clock reading at which a stop that begins ``now`` is cut off."""
    return math.inf if shutdown == math.inf else now + shutdown
