"""A schedule as one value: every choice of a run follows from it."""

import base64
import json
import zlib
from typing import Literal, get_args

import attrs

Strategy = Literal["portfolio", "plain", "block", "preempt", "pct", "random"]
Backend = Literal["asyncio", "trio"]

#: What the portfolio takes in turn, by seed.
PORTFOLIO: tuple[Strategy, ...] = ("random", "block", "preempt", "pct")


def _pairs(value: dict[str, str] | tuple[tuple[str, str], ...] | None) -> tuple[tuple[str, str], ...] | None:
    return tuple(value.items()) if isinstance(value, dict) else value


@attrs.frozen
class Schedule:
    """Which ready task runs next, at every choice of a run.

    Each choice is drawn from a hash of (seed, name of the task, how often it ran), so a schedule
    survives small changes of the program and carries over between backends.

    Attributes:
        seed: 0 is the plain order, first come, first served; other seeds differ from it.
        strategy: ``portfolio`` takes the others by seed; ``block`` chooses only when a task waits;
            ``preempt`` also at 8 % of the other steps; ``pct`` gives tasks priorities and changes
            a few of them; ``random`` chooses at every step.
        most: Choices and faults that may differ from the plain order; after these the run goes on in it.
            None is as many as there are.
        deviations: The choices and faults that differ from the plain order, one by one; then
            ``seed`` draws nothing.
    """

    seed: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    strategy: Strategy = attrs.field(
        default="portfolio", validator=attrs.validators.in_(get_args(Strategy)), kw_only=True
    )
    most: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(0)), kw_only=True
    )
    deviations: tuple[tuple[str, str], ...] | None = attrs.field(default=None, converter=_pairs, kw_only=True)

    @property
    def effective(self) -> Strategy:
        """The strategy that this seed runs under."""
        if self.seed == 0 or self.deviations is not None:
            return "plain"
        if self.strategy == "portfolio":
            return PORTFOLIO[self.seed % len(PORTFOLIO)]
        return self.strategy

    @property
    def token(self) -> str:
        """The schedule on one line, for ``Schedule.parse``."""
        if self.deviations is None:
            cut = "" if self.most is None else f".{self.most}"
            return f"s1-{self.strategy}-{self.seed:x}{cut}"
        packed = zlib.compress(json.dumps(self.deviations, separators=(",", ":")).encode(), 9)
        return f"d1-{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"

    @classmethod
    def parse(cls, token: str) -> "Schedule":
        """The schedule behind a printed token.

        Raises:
            ValueError: It is not a token of this version.
        """
        version, _, rest = token.partition("-")
        try:
            if version == "s1":
                strategy, _, seed = rest.rpartition("-")
                seed, _, cut = seed.partition(".")
                most = int(cut) if cut else None
                return cls(int(seed, 16), strategy=strategy, most=most)  # type: ignore[arg-type]  # it validates
            if version == "d1":
                packed = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
                pairs = json.loads(zlib.decompress(packed))
                return cls(deviations=tuple((str(key), str(value)) for key, value in pairs))
        except (ValueError, zlib.error) as error:
            raise ValueError(f"not a schedule: {token!r}") from error
        raise ValueError(f"not a schedule: {token!r}")

    def __str__(self) -> str:
        return f'Schedule.parse("{self.token}")'
