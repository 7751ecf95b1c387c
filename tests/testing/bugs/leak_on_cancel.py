"""A resource taken before an await is not given back when the handler is cut off there."""

import attrs

from actors import Actor, ActorsError, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Work(Request[None]):
    pass


class Slots:
    free = 2


class Leaking(Actor[Work]):
    def __init__(self, slots: Slots) -> None:
        self.slots = slots

    @on(Work)
    async def work(self, m: Work) -> None:
        self.slots.free -= 1
        await steps(3)
        self.slots.free += 1


class Returning(Leaking):
    @on(Work)
    async def work(self, m: Work) -> None:
        self.slots.free -= 1
        try:
            await steps(3)
        finally:
            self.slots.free += 1


async def program(sim: Simulation, kind: type[Leaking]) -> None:
    slots = Slots()
    worker = sim.system.named("worker").spawn(kind, slots)
    for _ in range(4):
        try:
            await worker.ask(Work())
        except ActorsError:
            continue
    assert slots.free == 2


BUG = Bug(
    "leak_on_cancel",
    "a cancelled handler keeps what it holds",
    lambda sim: program(sim, Leaking),
    lambda sim: program(sim, Returning),
    Faults(cancel=["worker"]),
)
