"""Which faults may be injected, into whom, and how often."""

from collections.abc import Iterable
from typing import Literal

import attrs

Wanted = bool | tuple[str, ...]
FaultKind = Literal["crash", "cancel", "delay", "full", "start", "stop", "drop", "duplicate", "torn"]


def _wanted(value: bool | str | Iterable[str]) -> Wanted:
    if isinstance(value, bool):
        return value
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen
class Faults:
    """What may go wrong in a run; which of it does is drawn by the schedule.

    Each kind is ``True`` for every actor (or port), or names some: an actor's own name, its class
    in lower case, or its path.

    Attributes:
        crash: A handler crashes, before its first line or at an await.
        cancel: A handler is cut off at an await, as if its deadline had passed.
        delay: A handler takes up to ten (virtual) seconds longer; a port's call as well.
        full: A mailbox has room for one message.
        start: A start fails.
        stop: An ``on_stop`` fails.
        drop: A port's call is lost: it returns and nothing was done.
        duplicate: A port's call is done twice.
        torn: A port's write fails half way.
        rate: Share of the opportunities that are taken, 0 to 1.
        most: Faults per run, at most.
    """

    crash: Wanted = attrs.field(default=False, converter=_wanted)
    cancel: Wanted = attrs.field(default=False, converter=_wanted)
    delay: Wanted = attrs.field(default=False, converter=_wanted)
    full: Wanted = attrs.field(default=False, converter=_wanted)
    start: Wanted = attrs.field(default=False, converter=_wanted)
    stop: Wanted = attrs.field(default=False, converter=_wanted)
    drop: Wanted = attrs.field(default=False, converter=_wanted)
    duplicate: Wanted = attrs.field(default=False, converter=_wanted)
    torn: Wanted = attrs.field(default=False, converter=_wanted)
    rate: float = attrs.field(default=0.15, kw_only=True)
    most: int = attrs.field(default=3, kw_only=True)

    @property
    def in_handlers(self) -> bool:
        """Whether handlers must be driven step by step."""
        return bool(self.crash or self.cancel or self.delay)

    def concerns(self, kind: FaultKind, *names: str) -> bool:
        """Whether ``kind`` may happen to whoever has these names."""
        wanted: Wanted = getattr(self, kind)
        return wanted if isinstance(wanted, bool) else any(name in wanted for name in names)
