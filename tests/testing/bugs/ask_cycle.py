"""Two actors ask each other, when both are asked at the same time."""

import anyio
import attrs

from actors import Actor, Message, Ref, Request, on
from actors.testing import Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Name(Request[str]):
    pass


@attrs.frozen
class Greet(Request[str]):
    pass


@attrs.frozen
class Introduce(Message):
    friend: "Ref[Name]"


@attrs.frozen
class Friend(Message):
    name: str


class Asking(Actor[Name | Greet | Introduce]):
    friend: Ref[Name]

    @on(Introduce)
    async def introduce(self, m: Introduce) -> None:
        self.friend = m.friend

    @on(Name)
    async def tell_name(self, m: Name) -> str:
        return self.ctx.name

    @on(Greet)
    async def greet(self, m: Greet) -> str:
        return f"hello {await self.friend.ask(Name())}"


class Knowing(Asking):
    """Asks once, when it is introduced, in a pipe that holds up nobody."""

    known = ""

    @on(Introduce)
    async def introduce(self, m: Introduce) -> None:
        self.known = m.friend.name

    @on(Greet)
    async def greet(self, m: Greet) -> str:
        return f"hello {self.known}"


async def program(sim: Simulation, kind: type[Asking]) -> None:
    alice = sim.system.named("alice").spawn(kind)
    bob = sim.system.named("bob").spawn(kind)
    alice.tell(Introduce(bob))
    bob.tell(Introduce(alice))
    greetings: list[str] = []

    async def client(ref: Ref[Greet], work: int) -> None:
        await steps(work)
        greetings.append(await ref.ask(Greet()))

    async with anyio.create_task_group() as group:
        group.start_soon(client, alice, 0)
        group.start_soon(client, bob, 12)
    assert sorted(greetings) == ["hello alice", "hello bob"]


BUG = Bug(
    "ask_cycle",
    "two actors wait for each other's reply",
    lambda sim: program(sim, Asking),
    lambda sim: program(sim, Knowing),
)
