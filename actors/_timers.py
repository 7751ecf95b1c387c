"""Timers of one incarnation: a message to self, later or again and again."""

from collections.abc import Hashable
from typing import Any

from actors._cell import Cell
from actors._clock import Alarm
from actors._delivery import force
from actors._envelope import Tick


class Timer:
    """One keyed timer. At most one of its messages waits in the mailbox at a time."""

    __slots__ = ("alarm", "at", "cell", "interval", "key", "message", "tick")

    def __init__(
        self, cell: Cell, key: Hashable, message: Any, seconds: float, interval: float | None
    ) -> None:
        self.cell = cell
        self.key = key
        self.message = message
        self.interval = interval
        self.tick: Tick | None = None
        self.at = cell.kernel.loop.now() + seconds
        self.alarm: Alarm = cell.kernel.sweeper.call_at(self.at, self.ring)

    def ring(self) -> None:
        """Put the message into the mailbox, unless the last one still waits; plan the next."""
        cell, kernel = self.cell, self.cell.kernel
        if self.tick is None or self.tick.void:
            self.tick = Tick(self.message, cell.generation)
            if kernel.probe is not None:
                kernel.probe.timer(f"{cell.path}#{cell.generation}", self.message)
            force(cell, self.tick)
        if self.interval is None:
            self._leave()
            return
        late = max(0.0, kernel.loop.now() - self.at)
        self.at += self.interval * (1 + late // self.interval)
        self.alarm = kernel.sweeper.call_at(self.at, self.ring)

    def cancel(self) -> None:
        """Never ring again; a message that already waits is skipped."""
        self.alarm.cancel()
        if self.tick is not None:
            self.tick.void = True

    def _leave(self) -> None:
        timers = self.cell.timers
        if timers is not None and timers.get(self.key) is self:
            del timers[self.key]


def start_timer(cell: Cell, key: Hashable, message: Any, seconds: float, interval: float | None) -> None:
    """Start a timer, in the place of the one with the same key."""
    if not seconds >= 0 or (interval is not None and not interval > 0):
        raise ValueError(f"seconds must be positive, not {seconds}")
    cancel_timer(cell, key)
    if cell.timers is None:
        cell.timers = {}
    cell.timers[key] = Timer(cell, key, message, seconds, interval)


def cancel_timer(cell: Cell, key: Hashable) -> bool:
    """Cancel the timer with this key; False when there is none."""
    timer = cell.timers.pop(key, None) if cell.timers is not None else None
    if timer is not None:
        timer.cancel()
    return timer is not None


def cancel_timers(cell: Cell) -> None:
    """Cancel all of them: the incarnation ends."""
    timers, cell.timers = cell.timers, None
    for timer in (timers or {}).values():
        timer.cancel()
