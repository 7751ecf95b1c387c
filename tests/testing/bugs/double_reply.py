"""A deferred reply is given by the timer and by the event, whichever comes, and then by the other."""

import anyio
import attrs

from actors import Actor, Message, Reply, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug

PATIENCE_S = 3.0


@attrs.frozen
class Wait(Request[str]):
    pass


@attrs.frozen
class Arrive(Message):
    pass


@attrs.frozen
class GiveUp(Message):
    pass


class Twice(Actor[Wait | Arrive | GiveUp]):
    def __init__(self) -> None:
        self.waiting: list[Reply[str]] = []

    @on(Wait)
    async def wait(self, m: Wait) -> Reply[str]:
        promise = self.ctx.defer(m)
        self.waiting.append(promise)
        self.ctx.after(PATIENCE_S, GiveUp())
        return promise

    @on(Arrive)
    async def arrive(self, m: Arrive) -> None:
        self.answer("arrived")

    @on(GiveUp)
    async def give_up(self, m: GiveUp) -> None:
        self.answer("gave up")

    def answer(self, text: str) -> None:
        for promise in self.waiting:
            promise.reply(text)
        if text == "arrived":
            self.ctx.stop()


class Once(Twice):
    def answer(self, text: str) -> None:
        while self.waiting:
            self.waiting.pop().reply(text)
        if text == "arrived":
            self.ctx.stop()


async def program(sim: Simulation, kind: type[Twice]) -> None:
    station = sim.system.named("station").spawn(kind)

    async def traffic() -> None:
        await sim.advance(1)
        station.tell(Arrive())

    async with anyio.create_task_group() as group:
        group.start_soon(traffic)
        await station.ask(Wait())
    await sim.settle()
    assert sim.system.statistics().second_replies == 0


BUG = Bug(
    "double_reply",
    "one ask is answered twice",
    lambda sim: program(sim, Twice),
    lambda sim: program(sim, Once),
    Faults(delay=["station"]),
)
