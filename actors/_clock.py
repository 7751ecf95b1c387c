"""The sweeper: one task that keeps every deadline of a system.

A deadline costs a heap entry, no cancel scope and no task. Entries whose ask is already answered
stay until they outnumber the live ones, then all of them are dropped at once.
"""

import math
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from actors._envelope import DONE, Envelope

if TYPE_CHECKING:
    from actors._parking import Loop


class Due(Protocol):
    """Something that can come due."""

    def due(self) -> None:
        """Do what the deadline is for."""


class Alarm:
    """A call at a time; ``cancel`` makes it a no-op."""

    __slots__ = ("_call", "_cell")

    def __init__(self, call: Any) -> None:
        self._call = call

    def cancel(self) -> None:
        """Never call, and let go of what would have been called."""
        self._call = None

    @property
    def void(self) -> bool:
        """Whether it was cancelled or has rung."""
        return self._call is None

    def due(self) -> None:
        """Ring once."""
        call, self._call = self._call, None
        if call is not None:
            call()


def wake_up(until: float, now: float, native: float) -> float:
    """When the event loop's clock, at ``native``, is to ring for ``until`` of a clock that is at ``now``.

    Always later than ``native``: a remainder that is lost in rounding would have the sweeper go round and
    round, and a virtual clock that waits for everybody to be idle would never go on.
    """
    return until if now == native else max(native + (until - now), math.nextafter(native, math.inf))


class Sweeper:
    """Deadlines in a heap of (clock reading, order of arrival, what is due)."""

    __slots__ = ("_at", "_closed", "_entries", "_expire", "_loop", "_order", "_running", "_start", "waiter")

    def __init__(self, loop: "Loop", start: Any, expire: Any) -> None:
        self._loop = loop
        self._start = start
        self._expire = expire
        self._entries: list[tuple[float, int, Any]] = []
        self._order = 0
        self._at = math.inf
        self._running = self._closed = False
        self.waiter: Any = None

    def at(self, when: float, entry: Any) -> None:
        """Ring ``entry`` (an envelope or an alarm) at the clock reading ``when``, unless it is closed."""
        if self._closed:
            return
        entries = self._entries
        self._order += 1
        heappush(entries, (when, self._order, entry))
        if len(entries) > 512 and not self._order & 511:
            self._compact()
        if when < self._at:
            self._wake()

    def call_at(self, when: float, call: Any) -> Alarm:
        """Call at the clock reading ``when`` unless the alarm is cancelled."""
        alarm = Alarm(call)
        self.at(when, alarm)
        return alarm

    def _compact(self) -> None:
        live = [entry for entry in self._entries if not _over(entry[2])]
        if len(live) * 2 <= len(self._entries):
            self._entries[:] = live
            heapify(self._entries)

    def _wake(self) -> None:
        if not self._running:
            self._running = True
            self._start(self.run)
        elif self.waiter is not None:
            self._loop.wake(self.waiter)

    def close(self) -> None:
        """Drop every deadline and end the task."""
        self._closed = True
        self._entries.clear()
        if self._running and self.waiter is not None:
            self._loop.wake(self.waiter)

    async def run(self) -> None:
        """Sleep until the earliest deadline, ring, until there is none."""
        while self._entries:
            self._at = self._entries[0][0]
            if self._loop.now() < self._at:
                await self._sleep(self._at)
            self._at = -math.inf
            self._ring()
        self._at = math.inf
        self._running = False

    async def _sleep(self, until: float) -> None:
        # The clock may be a simulator's; the scope knows only the event loop's.
        loop = self._loop
        now = loop.now()
        native = now if loop.now is loop.native else anyio.current_time()
        with anyio.CancelScope(deadline=wake_up(until, now, native)):
            await self._loop.park(self)
        self.waiter = None

    def _ring(self) -> None:
        entries = self._entries
        while entries and (_over(entries[0][2]) or entries[0][0] <= self._loop.now()):
            when, _, entry = heappop(entries)
            if type(entry) is Envelope:
                self._expire(entry, when)
            else:
                entry.due()


def _over(entry: Any) -> bool:
    return bool(entry.state >= DONE if type(entry) is Envelope else entry.void)
