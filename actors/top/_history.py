"""What several snapshots tell together: rates, and since when messages must have waited.

Nothing of this is measured in the system that is looked at.
"""

from collections import deque

import attrs

from actors.top._records import ActorLine, Snapshot

SAMPLES_MAX = 120


@attrs.frozen
class Sample:
    """What is kept of a snapshot: when it was taken, and counters by path."""

    taken_s: float
    handled: int
    accepted_by: dict[str, int]
    handled_by: dict[str, int]


class History:
    """The last snapshots of one system; another system or process begins a new history."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)
        self._whose: tuple[str, int] | None = None

    def add(self, snapshot: Snapshot) -> None:
        """Take in the next snapshot."""
        whose = (snapshot.system, snapshot.pid)
        if whose != self._whose:
            self._samples.clear()
            self._whose = whose
        self._samples.append(
            Sample(
                snapshot.taken_s,
                snapshot.handled,
                {line.path: line.accepted for line in snapshot.actors},
                {line.path: line.handled for line in snapshot.actors},
            )
        )

    def rate(self) -> float | None:
        """Messages handled per second by the whole system between the last two snapshots."""
        if len(self._samples) < 2:
            return None
        return _rate(self._samples[-2].handled, self._samples[-1].handled, self._seconds())

    def rate_of(self, path: str) -> float | None:
        """Messages handled per second by one actor; None when it is new."""
        if len(self._samples) < 2 or path not in self._samples[-2].handled_by:
            return None
        before, after = self._samples[-2].handled_by[path], self._samples[-1].handled_by.get(path, 0)
        return _rate(before, after, self._seconds())

    def _seconds(self) -> float:
        return self._samples[-1].taken_s - self._samples[-2].taken_s

    def oldest_s(self, line: ActorLine) -> float | None:
        """Seconds that the longest waiting message has waited at least; None when none waits.

        Mailboxes are queues: a message was there when more had been accepted than have left by now.
        """
        if not line.mailbox_depth:
            return None
        if line.oldest_s is not None or not self._samples:
            return line.oldest_s
        left = line.accepted - line.mailbox_depth
        for sample in self._samples:
            if sample.accepted_by.get(line.path, 0) > left:
                return self._samples[-1].taken_s - sample.taken_s
        return 0.0


def _rate(before: int, after: int, seconds: float) -> float | None:
    return (after - before) / seconds if seconds > 0 and after >= before else None
