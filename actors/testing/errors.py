"""Every error of the simulator.

::

    ActorsError
    └── SimulationError
        ├── Deadlock             nothing can run any more, and the program has not finished
        ├── Livelock             it runs on and on: more steps than allowed
        ├── RealBlocking         something real was waited for inside the simulation
        ├── NotDeterministic     the same schedule gave another run
        ├── InvariantBroken      a law of the runtime or of the user does not hold
        └── InjectedFault        a failure the simulator caused
"""

from actors.errors import ActorsError


class SimulationError(ActorsError):
    """Root of every error the simulator raises."""


class Deadlock(SimulationError):
    """Raised where the program was started: no task can run, no timer is set; the text has frames."""


class Livelock(SimulationError):
    """Raised where the program was started, when it takes more steps than ``World.steps_max``."""


class RealBlocking(SimulationError):
    """Raised at the line that starts a thread or a process, sleeps, or connects a socket."""


class NotDeterministic(SimulationError):
    """Raised when a failing schedule, run again, takes another course: the program is random."""


class InvariantBroken(SimulationError):
    """Raised after the step that broke an invariant; ``__cause__`` is what the check raised."""


class InjectedFault(SimulationError):
    """Raised in a handler, hook or port as if it had failed by itself.

    Attributes:
        kind: The kind of fault, as in ``Faults``.
        where: The incarnation or port.
    """

    def __init__(self, kind: str, where: str) -> None:
        super().__init__(f"{kind} in {where}")
        self.kind = kind
        self.where = where
