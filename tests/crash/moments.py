"""Announced moments at which an engine can be made to die, by its own hand and therefore exactly there."""

from __future__ import annotations

import os
import signal
from collections import Counter

import attrs

INTENT = "after intent"
EFFECT_BEGUN = "effect begun"
EFFECT_DONE = "effect done, command running"
EFFECT_LATE = "effect outlives its engine"
RECEIPT = "before receipt"
COMMIT = "before commit"
COMMITTED = "after commit, nobody told"
PROBE = "during probe"
UNDONE = "compensated, not yet acted"
PAUSED = "paused"
ANNOUNCED = (
    INTENT,
    EFFECT_BEGUN,
    EFFECT_DONE,
    EFFECT_LATE,
    RECEIPT,
    COMMIT,
    COMMITTED,
    PROBE,
    UNDONE,
    PAUSED,
)
# How often a moment comes in one life, roughly; the rest come about four times.
NTH_MAX = {COMMIT: 20, COMMITTED: 20, PROBE: 1, UNDONE: 1, PAUSED: 1}


@attrs.frozen
class Doom:
    """Die when a moment is reached for the ``nth`` time (from 1)."""

    moment: str
    nth: int


class Moments:
    """Counts the moments of one engine's life, and ends it at the one it is doomed to.

    ``pause_at_seq`` is the event after which a person pauses the run; 0 for not at all.
    """

    def __init__(self, doom: Doom | None, pause_at_seq: int = 0) -> None:
        self._doom, self.pause_at_seq = doom, pause_at_seq
        self._reached: Counter[str] = Counter()

    def due(self, moment: str) -> bool:
        """Count a moment; tell whether it is the fatal one."""
        self._reached[moment] += 1
        return self._doom == Doom(moment, self._reached[moment])

    def reach(self, moment: str) -> None:
        """Count a moment; do not return from the fatal one."""
        if self.due(moment):
            os.kill(os.getpid(), signal.SIGKILL)
