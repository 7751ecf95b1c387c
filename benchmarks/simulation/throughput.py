"""Schedules and messages per second, and memory, under simulation."""

import resource
import time
import tracemalloc
from collections.abc import Awaitable, Callable

import anyio
import attrs

from actors import Actor, ActorSystem, Message, Ref, Request, on
from actors.testing import Schedule, Simulation, World
from actors.testing._run import Ran
from actors.testing._schedule import Backend, Strategy
from actors.testing._simulate import run_program

ACTORS = 1_000
ROUNDS = 10

Program = Callable[[Simulation], Awaitable[object]]


@attrs.frozen
class Hop(Message):
    left: int


@attrs.frozen
class Meet(Message):
    next: "Ref[Hop]"


@attrs.frozen
class Count(Request[int]):
    pass


class Link(Actor[Hop | Meet | Count]):
    """Passes a hop on to the next one."""

    next: Ref[Hop]

    def __init__(self) -> None:
        self.count = 0

    @on(Meet)
    async def meet(self, m: Meet) -> None:
        self.next = m.next

    @on(Hop)
    async def hop(self, m: Hop) -> None:
        self.count += 1
        if m.left:
            self.next.tell(Hop(m.left - 1))

    @on(Count)
    async def tell_count(self, m: Count) -> int:
        return self.count


async def small(system: ActorSystem) -> None:
    """Three actors, three clients, thirty messages: the size of a test."""
    links = [system.spawn(Link) for _ in range(3)]
    for at, link in enumerate(links):
        link.tell(Meet(links[(at + 1) % 3]))

    async def client(link: Ref[Hop | Meet | Count]) -> None:
        for _ in range(2):
            link.tell(Hop(2))
            await link.ask(Count())

    async with anyio.create_task_group() as group:
        for link in links:
            group.start_soon(client, link)


async def large(system: ActorSystem) -> None:
    """A thousand actors, all of them with a message at all times."""
    links = [system.spawn(Link) for _ in range(ACTORS)]
    for at, link in enumerate(links):
        link.tell(Meet(links[(at + 1) % ACTORS]))
        link.tell(Hop(ROUNDS - 1))
    for link in links:
        await link.ask(Count())


@attrs.frozen
class Speed:
    """What a series of runs took.

    Attributes:
        schedules_s: Schedules per second.
        messages_s: Messages handled per second.
        plain: Times the cost of the same program on the real event loop.
    """

    schedules_s: float
    messages_s: float
    plain: float


def simulated(program: Callable[[ActorSystem], Awaitable[None]], world: World) -> Ran:
    """Run once under simulation."""
    ran = run_program(lambda sim: program(sim.system), world, own_system=True)
    if ran.error is not None:
        raise ran.error
    return ran


def really(program: Callable[[ActorSystem], Awaitable[None]], backend: Backend) -> None:
    """Run once on the real event loop."""

    async def main() -> None:
        async with ActorSystem() as system:
            await program(system)

    anyio.run(main, backend=backend)


def speed(
    program: Callable[[ActorSystem], Awaitable[None]], backend: Backend, strategy: Strategy, runs: int
) -> Speed:
    """Measure ``runs`` schedules of a program in CPU time."""
    simulated(program, World(Schedule(1), backend=backend))
    began, messages = time.process_time(), 0
    for seed in range(1, runs + 1):
        messages += simulated(program, World(Schedule(seed, strategy=strategy), backend=backend)).messages
    took = time.process_time() - began
    began = time.process_time()
    for _ in range(runs):
        really(program, backend)
    return Speed(runs / took, messages / took, took / (time.process_time() - began))


def memory(backend: Backend) -> tuple[float, float]:
    """Megabytes: the peak one large run allocates, and the peak of this process so far."""
    tracemalloc.start()
    simulated(large, World(Schedule(1), backend=backend))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
