"""A simulation as seen by a test: spawn actors, play scripts, move time."""

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, ParamSpec, TypeVar

import anyio

from actors._protocol import Behaviour
from actors._ref import Ref
from actors._system import ActorSystem
from actors.testing._moments import Moment
from actors.testing._outcome import Outcome, play
from actors.testing._ports import Fragile
from actors.testing._probe import Probe
from actors.testing._run import Stage
from actors.testing._story import Story, tell

P = ParamSpec("P")
M = TypeVar("M")
T = TypeVar("T")


class Simulation:
    """What a simulated test gets as ``sim``: its actor system, and the means to look and steer.

    Everything here happens in the event loop of the simulation. With ``with simulate(world)`` the
    test stands outside of it and uses ``Outside``.

    Attributes:
        system: A running ``ActorSystem``, stopped at the end.
    """

    system: ActorSystem

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._stage.control.now

    @property
    def moments(self) -> Sequence[Moment]:
        """What has happened so far."""
        return self._stage.watcher.moments

    @property
    def random(self) -> Random:
        """The runtime's source of jitter; the same in every run."""
        return self._stage.chooser.random

    def spawn(self, cls: Callable[P, Behaviour[M]], *args: P.args, **kwargs: P.kwargs) -> Ref[M]:
        """Start an actor in the simulation's own system.

        Args:
            cls: An actor class.
            args: Its constructor's arguments.
            kwargs: Likewise.

        Raises:
            NotRunning: The system has ended; nothing was started.
            TypeError: ``cls`` is not a concrete actor class.
        """
        return self.system.spawn(cls, *args, **kwargs)

    def invariant(self, check: Callable[[], object]) -> None:
        """Check something after every step from now on.

        Args:
            check: Called without arguments; the run fails with ``InvariantBroken`` when it returns
                False or raises.
        """
        self._stage.watch(check)

    def fragile(self, port: T, name: str | None = None) -> T:
        """The same port, with faults where its methods declare them (see ``port_faults``).

        Args:
            port: An object with async methods.
            name: What it is called in ``Faults`` and in the story; its class in lower case.
        """
        wrapped: Any = Fragile(port, name or type(port).__name__.lower(), self._stage.watcher)
        result: T = wrapped
        return result

    def probe(self, name: str = "probe") -> Probe:
        """A probe in the simulation's own system: an address that keeps what it receives."""
        return Probe(self.system, name)

    async def play(
        self, script: Sequence[Any], *, to: Ref[Any], senders: int = 1, timeout: float | None = None
    ) -> Outcome:
        """Send the messages of ``script``, tell or ask as their class says, and see what becomes of them.

        Args:
            script: Messages of the target's protocol; a sender sends its share in order.
            to: Whom.
            senders: Tasks that send; message ``n`` goes out by sender ``n % senders``.
            timeout: Seconds for each ask.
        """
        return await play(self._stage, self.system, script, to, senders, timeout)

    async def settle(self) -> None:
        """Wait until nobody can run, without moving time."""
        event = anyio.Event()
        self._stage.control.idlers.append(event.set)
        await event.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen."""
        await anyio.sleep(seconds)

    def story(self, broken: str = "") -> Story:
        """What has happened so far, as a chart."""
        return tell(self._stage.watcher.moments, broken)


async def with_system(
    stage: Stage, simulation: Simulation, body: Callable[[], Awaitable[T]], name: str = "system"
) -> T:
    """Run ``body`` while the simulation's system runs."""
    # Injected crashes are no reason to give up.
    unlimited = (1_000_000, 1.0)
    async with ActorSystem(name, isolation=stage.world.isolation, intensity=unlimited) as system:
        simulation.system = system
        return await body()
