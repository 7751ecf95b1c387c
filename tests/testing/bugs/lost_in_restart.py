"""A buffer written by hand: what was acknowledged is gone when the actor restarts."""

import attrs

from actors import Actor, Crashed, Ref, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug


@attrs.frozen
class Put(Request[None]):
    number: int


@attrs.frozen
class Flush(Request[None]):
    pass


class Shelf:
    """What outlives the actor."""

    def __init__(self) -> None:
        self.stored: list[int] = []


class Buffered(Actor[Put | Flush], intensity=(99, 1.0)):
    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.pending: list[int] = []

    @on(Put)
    async def put(self, m: Put) -> None:
        self.pending.append(m.number)

    @on(Flush)
    async def flush(self, m: Flush) -> None:
        self.shelf.stored += self.pending
        self.pending.clear()


class Through(Actor[Put | Flush], intensity=(99, 1.0)):
    """Stores before it acknowledges, once per number."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    @on(Put)
    async def put(self, m: Put) -> None:
        if m.number not in self.shelf.stored:
            self.shelf.stored.append(m.number)

    @on(Flush)
    async def flush(self, m: Flush) -> None: ...


async def insist(ref: Ref[Put | Flush], message: Put | Flush) -> None:
    while True:
        try:
            return await ref.ask(message)
        except Crashed:
            continue


async def program(sim: Simulation, kind: type[Buffered | Through]) -> None:
    shelf = Shelf()
    keeper = sim.system.named("keeper", restart="permanent").spawn(kind, shelf)
    for number in range(3):
        await insist(keeper, Put(number))
    await insist(keeper, Flush())
    assert shelf.stored == [0, 1, 2]


BUG = Bug(
    "lost_in_restart",
    "acknowledged messages are lost by a buffer that does not outlive a restart",
    lambda sim: program(sim, Buffered),
    lambda sim: program(sim, Through),
    Faults(crash=["keeper"]),
)
