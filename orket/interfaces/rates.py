"""How often a caller may ask: a bucket of tokens each, refilled at a steady rate."""

from __future__ import annotations

import math


class Rates:
    """Buckets by caller; those not heard of for longest are forgotten first.

    Args:
        per_s: Tokens that come back per second; 0 means no limit.
        burst: Tokens that a full bucket holds.
        callers_max: How many buckets are kept.
    """

    def __init__(self, per_s: float, burst: float, *, callers_max: int = 4096) -> None:
        self._per_s, self._burst, self._callers_max = per_s, max(burst, 1.0), callers_max
        self._buckets: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, caller: str, now: float) -> float:
        """Take a token; 0 if there was one, else the seconds until there will be.

        Args:
            caller: Whose bucket; nobody's is empty.
            now: A clock reading in seconds that never goes back.
        """
        if self._per_s <= 0 or not caller:
            return 0.0
        left = self._left(caller, now)
        self._keep(caller, left - 1.0 if left >= 1.0 else left, now)
        return 0.0 if left >= 1.0 else (1.0 - left) / self._per_s

    def _left(self, caller: str, now: float) -> float:
        found = self._buckets.pop(caller, None)
        if found is None:
            return self._burst
        left, at = found
        self._buckets[caller] = found
        return min(self._burst, left + (now - at) * self._per_s)

    def _keep(self, caller: str, left: float, now: float) -> None:
        self._buckets.pop(caller, None)
        if len(self._buckets) >= self._callers_max:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[caller] = (left, now)


class Pace:
    """Spreads refusals out: in a flood of callers who do not wait, each waits for its refusal instead.

    A refusal takes a part of what an accepted request takes, and thousands of them a second would leave
    nothing for those. Who is held back costs some memory and no processor time.

    Args:
        per_s: How many refusals a second there are in the long run; 0 means no limit.
        burst: How many go out at once after a quiet time.
        most_s: How long one is held back at most.
    """

    def __init__(self, per_s: float, burst: float, *, most_s: float = 5.0) -> None:
        self._gap_s = 1.0 / per_s if per_s > 0 else 0.0
        self._slack_s, self._most_s = burst * self._gap_s, most_s
        self._next = -math.inf

    def delay_s(self, now: float) -> float:
        """Take a turn; say how long it is until then."""
        if not self._gap_s:
            return 0.0
        turn = max(self._next, now - self._slack_s) + self._gap_s
        self._next = min(turn, now + self._most_s)
        return max(0.0, self._next - now)


def retry_after(seconds: float) -> str:
    """Write ``Retry-After``: whole seconds, at least one."""
    return str(max(1, math.ceil(seconds)))
