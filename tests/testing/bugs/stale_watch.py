"""The news of an old member's death removes the new member of the same name."""

import attrs

from actors import Actor, Message, Ref, Request, Terminated, on
from actors.testing import Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Ping(Request[str]):
    pass


@attrs.frozen
class Register(Request[None]):
    name: str
    member: "Ref[Ping]"


@attrs.frozen
class Members(Request[tuple[str, ...]]):
    pass


@attrs.frozen
class Quit(Message):
    pass


class Member(Actor[Ping | Quit]):
    @on(Ping)
    async def ping(self, m: Ping) -> str:
        return self.ctx.name

    @on(Quit)
    async def quit(self, m: Quit) -> None:
        self.ctx.stop()


class ByName(Actor[Register | Members]):
    def __init__(self) -> None:
        self.members: dict[str, Ref[Ping]] = {}
        self.names: dict[Ref[Ping], str] = {}

    @on(Register)
    async def register(self, m: Register) -> None:
        self.members[m.name] = m.member
        self.names[m.member] = m.name
        self.ctx.watch(m.member)

    @on(Members)
    async def tell_members(self, m: Members) -> tuple[str, ...]:
        return tuple(self.members)

    @on(Terminated)
    async def terminated(self, m: Terminated) -> None:
        self.members.pop(self.names[m.ref], None)


class ByIdentity(ByName):
    @on(Terminated)
    async def terminated(self, m: Terminated) -> None:
        name = self.names[m.ref]
        if self.members.get(name) == m.ref:
            del self.members[name]


async def program(sim: Simulation, kind: type[ByName]) -> None:
    directory = sim.spawn(kind)
    first = sim.spawn(Member)
    await directory.ask(Register("worker", first))
    first.tell(Quit())
    await steps(10)
    second = sim.spawn(Member)
    await directory.ask(Register("worker", second))
    await sim.settle()
    assert await directory.ask(Members()) == ("worker",)


BUG = Bug(
    "stale_watch",
    "a watch fires after the watched was replaced",
    lambda sim: program(sim, ByName),
    lambda sim: program(sim, ByIdentity),
)
