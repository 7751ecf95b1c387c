"""A lease that runs out while its holder still believes in it."""

import anyio
import attrs

from actors import Actor, Message, Ref, Reject, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug

LEASE_S = 5.0


@attrs.frozen
class Acquire(Request[int]):
    pass


@attrs.frozen
class Work(Message):
    pass


@attrs.frozen
class Write(Message):
    token: int


@attrs.frozen
class Append(Request[None]):
    token: int
    holder: str


class Leases(Actor[Acquire]):
    """Grants one lease at a time; a second one only when the first has run out."""

    def __init__(self) -> None:
        self.token = 0
        self.until = 0.0

    @on(Acquire)
    async def acquire(self, m: Acquire) -> int:
        if anyio.current_time() < self.until:
            raise Reject("taken")
        self.token += 1
        self.until = anyio.current_time() + LEASE_S
        return self.token


class Trusting(Actor[Append]):
    def __init__(self, written: list[int]) -> None:
        self.written = written

    @on(Append)
    async def append(self, m: Append) -> None:
        self.written.append(m.token)


class Fenced(Trusting):
    """Refuses tokens that are older than one it has seen."""

    @on(Append)
    async def append(self, m: Append) -> None:
        if self.written and m.token < self.written[-1]:
            raise Reject("stale")
        self.written.append(m.token)


class Holder(Actor[Work | Write]):
    """Gets a lease, writes in a message of its own, and says when it is done."""

    def __init__(self, leases: Ref[Acquire], store: Ref[Append], done: list[str]) -> None:
        self.leases = leases
        self.store = store
        self.done = done

    @on(Work)
    async def work(self, m: Work) -> None:
        try:
            token = await self.leases.ask(Acquire())
        except Reject:
            self.ctx.after(2, Work())
        else:
            self.ctx.self.tell(Write(token))

    @on(Write)
    async def write(self, m: Write) -> None:
        try:
            await self.store.ask(Append(m.token, self.ctx.name))
        except Reject:
            self.ctx.self.tell(Work())
        else:
            self.done.append(self.ctx.name)


async def program(sim: Simulation, kind: type[Trusting]) -> None:
    written: list[int] = []
    done: list[str] = []
    leases = sim.spawn(Leases)
    store = sim.spawn(kind, written)
    for name in ("left", "right"):
        sim.system.named(name).spawn(Holder, leases, store, done).tell(Work())
    while len(done) < 2:
        await sim.advance(10)
    assert written == sorted(written)


BUG = Bug(
    "deadline_race",
    "two holders write at once, when a lease runs out unnoticed",
    lambda sim: program(sim, Trusting),
    lambda sim: program(sim, Fenced),
    Faults(delay=["left", "right"]),
)
