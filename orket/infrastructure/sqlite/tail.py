"""The newest events in memory, so that whoever follows a run asks no thread and decodes nothing twice.

A run reads its ledger after every assignment, a watcher after every commit: what they want was committed a
moment ago by this very process. Asking the database for it took a worker thread, 0.3 ms each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from orket.domain.events import Recorded
from orket.domain.identifiers import RunId

EVENTS_MAX = 256
BODY_BYTES_MAX = 500_000


class Tail:
    """The last events without a gap, as they would be read back; ``seq`` is where the ledger ends."""

    def __init__(
        self, seq: int, *, events_max: int = EVENTS_MAX, body_bytes_max: int = BODY_BYTES_MAX
    ) -> None:
        self._seq = seq
        self._events_max, self._body_bytes_max = events_max, body_bytes_max
        self._events: deque[tuple[Recorded, int]] = deque()
        self._bytes = 0

    def add(self, recorded: Sequence[Recorded], body_bytes: Sequence[int]) -> None:
        """Take in what was committed, in the order of the ledger, and let go of the oldest."""
        self._events.extend(zip(recorded, body_bytes, strict=True))
        self._bytes += sum(body_bytes)
        self._seq = recorded[-1].seq if recorded else self._seq
        while len(self._events) > self._events_max or self._bytes > self._body_bytes_max:
            self._bytes -= self._events.popleft()[1]

    def read(self, run_id: RunId | None, after: int, limit: int) -> tuple[Recorded, ...] | None:
        """Answer as ``LedgerReader.read`` does; None when only the database can."""
        first = self._events[0][0].seq if self._events else self._seq + 1
        if after + 1 < first:
            return None
        found = []
        for one, _ in reversed(self._events):
            if one.seq <= after:
                break
            if run_id is None or one.run_id == run_id:
                found.append(one)
        found.reverse()
        return tuple(found[: max(limit, 0)])
