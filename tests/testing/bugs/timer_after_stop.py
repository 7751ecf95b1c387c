"""The time limit of a session that is over ends the next one."""

import attrs

from actors import Actor, Message, Reject, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug

LIMIT_S = 60.0


@attrs.frozen
class Begin(Request[int]):
    pass


@attrs.frozen
class Use(Request[None]):
    number: int


@attrs.frozen
class End(Request[None]):
    pass


@attrs.frozen
class Expire(Message):
    number: int


class Careless(Actor[Begin | Use | End | Expire]):
    """One session at a time; whatever limit passes ends the present one."""

    def __init__(self) -> None:
        self.number = 0
        self.active = False

    @on(Begin)
    async def begin(self, m: Begin) -> int:
        self.number += 1
        self.active = True
        self.ctx.after(LIMIT_S, Expire(self.number))
        return self.number

    @on(Use)
    async def use(self, m: Use) -> None:
        if not self.active:
            raise Reject("the session has expired")

    @on(End)
    async def end(self, m: End) -> None:
        self.active = False

    @on(Expire)
    async def expire(self, m: Expire) -> None:
        self.active = False


class Careful(Careless):
    @on(Expire)
    async def expire(self, m: Expire) -> None:
        if m.number == self.number:
            self.active = False


async def program(sim: Simulation, kind: type[Careless]) -> None:
    sessions = sim.system.named("sessions").spawn(kind)
    for _ in range(2):
        began = sim.now
        number = await sessions.ask(Begin())
        await sim.advance(27)
        if sim.now - began < LIMIT_S:
            try:
                await sessions.ask(Use(number))
            except Reject:
                # Only too early is wrong.
                assert sim.now - began >= LIMIT_S - 0.001
        await sessions.ask(End())


BUG = Bug(
    "timer_after_stop",
    "the timer of what was stopped hits what came after it",
    lambda sim: program(sim, Careless),
    lambda sim: program(sim, Careful),
    Faults(delay=["sessions"]),
)
