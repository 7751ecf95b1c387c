"""Two bounded mailboxes, each full of what the other waits to send."""

import attrs

from actors import Actor, Mailbox, Message, Ref, Request, on
from actors.testing import Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Ball(Message):
    left: int


@attrs.frozen
class Meet(Message):
    other: "Ref[Ball]"


@attrs.frozen
class Hits(Request[int]):
    pass


class Waiting(Actor[Ball | Meet | Hits], mailbox=Mailbox(2)):
    other: Ref[Ball]

    def __init__(self, hits: list[str]) -> None:
        self.hits = hits

    @on(Meet)
    async def meet(self, m: Meet) -> None:
        self.other = m.other

    @on(Hits)
    async def tell_hits(self, m: Hits) -> int:
        return len(self.hits)

    @on(Ball)
    async def hit(self, m: Ball) -> None:
        self.hits.append(self.ctx.name)
        if m.left:
            await self.other.offer(Ball(m.left - 1))


class Roomy(Waiting, mailbox=Mailbox(64)):
    """Room for all balls in play."""


async def program(sim: Simulation, kind: type[Waiting]) -> None:
    hits: list[str] = []
    left = sim.system.named("left").spawn(kind, hits)
    right = sim.system.named("right").spawn(kind, hits)
    left.tell(Meet(right))
    right.tell(Meet(left))
    await steps(10)
    for _ in range(3):
        await left.offer(Ball(4))
        await steps(6)
        await right.offer(Ball(4))
        await steps(6)
    await sim.settle()
    assert len(hits) == 6 * 5


BUG = Bug(
    "full_mailboxes",
    "two full mailboxes wait for room in each other",
    lambda sim: program(sim, Waiting),
    lambda sim: program(sim, Roomy),
)
