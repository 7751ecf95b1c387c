"""Time and names that a simulation can repeat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio

from orket.domain.identifiers import CardId, RunId

START = datetime(2030, 1, 1, tzinfo=UTC)


class SimulatedClock:
    """The clock port on the simulation's virtual time, from ``start`` on."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        """Return the current virtual time, aware, in UTC."""
        return self._start + timedelta(seconds=anyio.current_time())


class CountedIds:
    """The port of names, counting up: the same in every run."""

    def __init__(self) -> None:
        self._runs = self._cards = 0

    def run_id(self) -> RunId:
        """Make the next run id: 8 hexadecimal digits."""
        self._runs += 1
        return RunId(f"{self._runs:08x}")

    def card_id(self) -> CardId:
        """Make the next card id: ``ISSUE-`` and 8 hexadecimal digits."""
        self._cards += 1
        return CardId(f"ISSUE-{self._cards:08X}")
