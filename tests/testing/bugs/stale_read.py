"""A cache that writes behind forgets, in a restart, what it has promised."""

import attrs

from actors import Actor, Message, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug


@attrs.frozen
class Put(Request[None]):
    value: int


@attrs.frozen
class Get(Request[int]):
    pass


@attrs.frozen
class Flush(Message):
    pass


class Disk:
    value = 0


class Behind(Actor[Put | Get | Flush], intensity=(99, 1.0)):
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.value = disk.value

    @on(Put)
    async def put(self, m: Put) -> None:
        self.value = m.value
        self.ctx.after(1, Flush())

    @on(Get)
    async def get(self, m: Get) -> int:
        return self.value

    @on(Flush)
    async def flush(self, m: Flush) -> None:
        self.disk.value = self.value


class Through(Behind):
    @on(Put)
    async def put(self, m: Put) -> None:
        self.disk.value = self.value = m.value


async def program(sim: Simulation, kind: type[Behind]) -> None:
    cache = sim.system.named("cache", restart="permanent").spawn(kind, Disk())
    script = [Put(1), Get(), Put(2), Get()]
    outcome = await sim.play(script, to=cache)
    known = 0
    for one in outcome.sent:
        if isinstance(one.message, Put) and one.error is None:
            known = one.message.value
        elif isinstance(one.message, Get) and one.error is None:
            assert one.reply >= known
    assert outcome.lost == []


BUG = Bug(
    "stale_read",
    "a read after a restart gives an older value than one before",
    lambda sim: program(sim, Behind),
    lambda sim: program(sim, Through),
    Faults(crash=["cache"]),
)
