"""What became of the messages of a script, and when."""

from typing import Any

import attrs


@attrs.define(eq=False)
class Fate:
    """The life of one message, on the run's own clock, which ticks with every event.

    Attributes:
        message: The message.
        begun: When its (last) handler began; None when none did.
        ended: When that handler ended.
        ends: How it ended, once each: ``handled``, ``rejected``, ``cut_off``, ``dead letter: …``.
        crashed: A handler of it crashed; a retry, or a dead letter, follows.
    """

    message: Any
    begun: int | None = None
    ended: int | None = None
    ends: list[str] = attrs.field(factory=list)
    crashed: bool = False


class Fates:
    """Fates of the messages that are followed, by identity; and the restarts of every actor."""

    def __init__(self) -> None:
        self._followed: dict[int, Fate] = {}
        self.restarts: list[tuple[str, int]] = []
        self._ticks = 0

    def tick(self) -> int:
        """The next reading of the clock."""
        self._ticks += 1
        return self._ticks

    def follow(self, message: Any) -> Fate:
        """Watch this very object."""
        fate = self._followed[id(message)] = Fate(message)
        return fate

    def begun(self, message: Any) -> None:
        """A handler of the message begins."""
        fate = self._followed.get(id(message))
        if fate is not None:
            fate.begun = self.tick()

    def ended(self, message: Any, outcome: str) -> None:
        """The message has ended, or crashed its handler."""
        fate = self._followed.get(id(message))
        if fate is None:
            return
        fate.ended = self.tick()
        if outcome == "crashed":
            fate.crashed = True
        elif not (outcome == "dead letter: rejected" and "rejected" in fate.ends):
            fate.ends.append(outcome)

    def restarted(self, path: str) -> None:
        """The actor at ``path`` has a new incarnation."""
        self.restarts.append((path, self.tick()))
