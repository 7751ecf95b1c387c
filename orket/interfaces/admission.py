"""Who may do what, how often, and how many at a time: asked once the router knows what is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from orket.domain.keys import Scope
from orket.interfaces.limits import HttpLimits
from orket.interfaces.problems import FORBIDDEN, KEY_NEEDED, OVERLOADED, TOO_OFTEN, HttpRefusal
from orket.interfaces.rates import Pace, Rates, retry_after
from orket.interfaces.visits import Caller
from orket.wire.problems import Fault


class Lane(StrEnum):
    """What a request competes with: others, those that must get through when all is full, or deliveries."""

    WORK = "work"
    CONTROL = "control"
    HOOK = "hook"


class Admission:
    """Counts requests; those of the control lane have places and tokens of their own.

    Args:
        limits: How many.
        clock: Tells seconds, never going back.
    """

    def __init__(self, limits: HttpLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rates = {
            lane: Rates(limits.rate_per_s, limits.rate_burst) for lane in (Lane.WORK, Lane.CONTROL)
        }
        # Deliveries are counted once it is known that nobody signed them.
        self._rates[Lane.HOOK] = Rates(0.0, 1.0)
        self._unsigned = Rates(limits.unsigned_per_s, limits.unsigned_burst)
        self._failures = Rates(1.0, 20.0)
        self._places = {
            Lane.WORK: limits.requests,
            Lane.CONTROL: limits.control_requests,
            Lane.HOOK: limits.hook_requests,
        }
        self._under_way = dict.fromkeys(Lane, 0)
        self._pace = Pace(limits.refusals_per_s, limits.refusals_burst)

    def under_way(self) -> int:
        """How many requests are being carried out."""
        return sum(self._under_way.values())

    def enter(self, caller: Caller, scope: Scope | None, lane: Lane) -> None:
        """Let a request in; whoever was let in has to ``leave``.

        Raises:
            HttpRefusal: It needs a key, or another one; it came too often; too many are under way.
        """
        if scope is not None and scope not in caller.scopes:
            raise _not_allowed(caller, scope)
        wait_s = self._rates[lane].wait_s(caller.source, self._clock())
        if wait_s > 0.0:
            raise HttpRefusal(
                TOO_OFTEN, "You have asked too often.", headers={"retry-after": retry_after(wait_s)}
            )
        if self._under_way[lane] >= self._places[lane]:
            detail = f"{self._places[lane]} requests are under way; this one was not begun."
            raise HttpRefusal(OVERLOADED, detail, headers={"retry-after": "1"})
        self._under_way[lane] += 1

    def leave(self, lane: Lane) -> None:
        """A request is over."""
        self._under_way[lane] -= 1

    def hold_back_s(self, error: BaseException) -> float:
        """Say how long this answer waits: in a flood, those do that say "too often" or "all is full"."""
        if isinstance(error, HttpRefusal) and error.kind in (OVERLOADED, TOO_OFTEN):
            return self._pace.delay_s(self._clock())
        return 0.0

    def failed_too_often(self, source: str) -> float:
        """Count a wrong key; 0, or the seconds a source should wait that has sent too many of them."""
        return self._failures.wait_s(source, self._clock())

    def unsigned_too_often(self, source: str) -> float:
        """Count a delivery without a good signature; 0, or the seconds its source should wait."""
        return self._unsigned.wait_s(source or "unnamed", self._clock())


def _not_allowed(caller: Caller, scope: Scope) -> HttpRefusal:
    if not caller.scopes:
        kind, detail = KEY_NEEDED, "Send a key: Authorization: Bearer orket_…; `orket keys create` makes one."
        challenge = 'Bearer realm="orket"'
    else:
        had = ", ".join(sorted(caller.scopes))
        kind, detail = FORBIDDEN, f"This key has not the scope {scope.value!r}; it has {had}."
        challenge = f'Bearer realm="orket", error="insufficient_scope", scope="{scope.value}"'
    fault = Fault(place="header", pointer="/Authorization", detail=f"needs the scope {scope.value!r}")
    return HttpRefusal(kind, detail, faults=[fault], headers={"www-authenticate": challenge})
