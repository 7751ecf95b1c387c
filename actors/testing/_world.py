"""Everything a simulated run depends on, besides the program, as one value."""

from typing import Literal

import attrs

from actors.testing._chooser import CLOCK_NAME
from actors.testing._faults import Faults
from actors.testing._schedule import Backend, Schedule


@attrs.frozen
class World:
    """The world a program runs in: the schedule, what may go wrong, and the event loop.

    Attributes:
        schedule: Which task runs next, and which fault happens when.
        faults: What may go wrong.
        backend: ``asyncio`` or ``trio``.
        blocking: ``refuse`` makes real threads an error; ``inline`` runs what
            ``anyio.to_thread.run_sync`` is given at once, in the event loop's thread.
        overtake: A timer may ring although tasks can run, as on a busy machine; without it, time moves
            only when nobody can run, and no time limit is too tight.
        isolation: ``verify`` fails a handler that changes its message (in the simulation's own
            system).
        steps_max: Steps of tasks after which the run is a livelock.
    """

    schedule: Schedule = attrs.field(factory=Schedule)
    faults: Faults = attrs.field(factory=Faults)
    backend: Backend = "asyncio"
    blocking: Literal["refuse", "inline"] = "refuse"
    overtake: bool = attrs.field(default=True, kw_only=True)
    isolation: Literal["trust", "verify"] = attrs.field(default="trust", kw_only=True)
    steps_max: int = attrs.field(default=300_000, kw_only=True)

    def allows(self, schedule: Schedule) -> bool:
        """Whether what a schedule has recorded may happen in this world."""
        for key, value in schedule.deviations or ():
            kind = key[1:].partition(":")[0]
            if key.startswith("!") and not getattr(self.faults, kind, False):
                return False
            if value == CLOCK_NAME and not self.overtake:
                return False
        return True
