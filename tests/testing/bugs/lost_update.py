"""A handler declared as reading only reads, is suspended, and writes."""

import anyio
import attrs
from anyio.lowlevel import checkpoint

from actors import Actor, Request, on
from actors.testing import Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Increase(Request[int]):
    pass


@attrs.frozen
class Total(Request[int]):
    pass


class Overlapping(Actor[Increase | Total]):
    def __init__(self) -> None:
        self.total = 0

    @on(Total)
    async def tell_total(self, m: Total) -> int:
        return self.total

    @on(Increase, concurrent=True)
    async def increase(self, m: Increase) -> int:
        total = self.total
        await checkpoint()
        self.total = total + 1
        return self.total


class OneByOne(Actor[Increase | Total]):
    def __init__(self) -> None:
        self.total = 0

    @on(Total)
    async def tell_total(self, m: Total) -> int:
        return self.total

    @on(Increase)
    async def increase(self, m: Increase) -> int:
        total = self.total
        await checkpoint()
        self.total = total + 1
        return self.total


async def program(sim: Simulation, kind: type[Overlapping | OneByOne]) -> None:
    counter = sim.spawn(kind)

    async def client(work: int) -> None:
        await steps(work)
        await counter.ask(Increase())

    async with anyio.create_task_group() as group:
        group.start_soon(client, 0)
        group.start_soon(client, 8)
    assert await counter.ask(Total()) == 2


BUG = Bug(
    "lost_update",
    "an update is lost across an await in a concurrent handler",
    lambda sim: program(sim, Overlapping),
    lambda sim: program(sim, OneByOne),
)
