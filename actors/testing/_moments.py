"""What happened in a run, moment by moment: the material of the story."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

MomentKind = Literal[
    "send", "begin", "end", "reply", "switch", "restart", "start", "timer", "dead", "fault", "broken", "note"
]
#: Moments kept per run; later ones are counted only.
MOMENTS_MAX = 50_000


class Moment(NamedTuple):
    """One thing that happened.

    Attributes:
        step: Number of the task's step in which it happened.
        time: Virtual seconds since the start.
        kind: What it was.
        source: Who did it: an actor's path, a task, or empty.
        target: Whom it concerned.
        what: The message, or a text.
    """

    step: int
    time: float
    kind: MomentKind
    source: str
    target: str
    what: Any


class Moments(list[Moment]):
    """The moments of one run, in order."""

    def __init__(self, clock: Callable[[], tuple[int, float]]) -> None:
        super().__init__()
        self._clock = clock
        self.dropped: int = 0

    def note(self, kind: MomentKind, source: str, target: str, what: Any) -> None:
        """Add one, unless there are too many."""
        if len(self) >= MOMENTS_MAX:
            self.dropped += 1
            return
        step, time = self._clock()
        self.append(Moment(step, time, kind, source, target, what))
