"""A cast for disorder: actors that use everything at once, as random numbers tell them."""

import enum
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import attrs
from anyio.lowlevel import checkpoint

from actors import (
    Actor,
    ActorsError,
    Backoff,
    Exit,
    Mailbox,
    Message,
    Ref,
    Reject,
    Reply,
    Request,
    Stream,
    Supervisor,
    Terminated,
    child,
    dynamic,
    late,
    on,
    pool,
)

KINDS = (
    "quick", "yield", "slow", "crash", "late crash", "reject", "become", "become", "stop", "pipe",
    "ask", "offer", "nested", "scope", "defer",
)  # fmt: skip


class Phase(enum.Enum):
    FIRST = 1
    SECOND = 2


@attrs.frozen
class Do(Request[int]):
    kind: str


@attrs.frozen
class Turn(Request[int]):
    """Handled in both phases, by different handlers."""

    kind: str


@attrs.frozen
class Look(Request[int]):
    """Handled concurrently."""

    kind: str


@attrs.frozen
class Numbers(Stream[int]):
    """Postponed in the first phase."""

    kind: str


@attrs.frozen
class Tick(Message):
    pass


Everything = Do | Turn | Look | Numbers | Tick


class World:
    """What all of them share: the dice, the gate, the refs, and the faults found."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.gate = anyio.Event()
        self.refs: list[Ref[Everything]] = []
        self.children = 0
        self.faults: list[str] = []

    def pick(self) -> Ref[Everything]:
        return self.dice.choice(self.refs)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share


async def quietly(function: Callable[..., Awaitable[object]], *args: object) -> None:
    try:
        await function(*args)
    except ActorsError:
        return


class Rascal(
    Actor[Everything],
    states=Phase,
    default="postpone",
    mailbox=Mailbox(4),
    shutdown=0.003,
    intensity=(1000, 1.0),
):
    def __init__(self, world: World) -> None:
        self.world = world
        self.kept: list[Reply[int]] = []
        self.active = 0

    async def on_start(self) -> None:
        world = self.world
        self.ctx.every(0.0005, Tick(), key="tick")
        if world.chance(0.1):
            await checkpoint()
        if world.chance(0.05):
            raise RuntimeError("start")
        while world.children < 2:
            world.children += 1
            ref = self.ctx.spawn(Rascal, world)
            self.ctx.watch(ref)
            world.refs.append(ref)

    async def on_stop(self, reason: Exit) -> None:
        if self.world.chance(0.3):
            await checkpoint()
        if self.world.chance(0.05):
            raise RuntimeError("stop")
        if self.world.chance(0.05):
            await anyio.sleep_forever()

    def snapshot(self) -> int:
        return self.active

    async def act(self, kind: str) -> int:
        if kind in ("yield", "late crash"):
            await checkpoint()
        if kind in ("crash", "late crash"):
            raise RuntimeError(kind)
        if kind == "reject":
            raise Reject(kind)
        if kind == "become":
            self.become(self.world.dice.choice(list(Phase)))
        elif kind == "stop":
            self.ctx.stop()
        elif kind == "pipe":
            self.ctx.pipe(checkpoint, lambda _: Tick(), lambda _: Tick())
        else:
            await self.wait(kind)
        return 1

    async def wait(self, kind: str) -> None:
        if kind == "slow":
            await self.world.gate.wait()
        elif kind == "ask":
            await self.ask(Turn("yield"))
        elif kind == "offer":
            await quietly(self.world.pick().offer, Tick())
        elif kind == "nested":
            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(self.ask, Look("yield"))
        elif kind == "scope":
            with anyio.move_on_after(0.0005):
                await anyio.sleep_forever()

    async def ask(self, message: Turn | Look) -> None:
        async def call() -> None:
            await self.world.pick().ask(message, timeout=0.002)

        await quietly(call)

    @on(Do)
    async def do(self, m: Do) -> int | Reply[int]:
        self.active += 1
        if self.active > 1:
            self.world.faults.append("two handlers at once")
        try:
            if m.kind == "defer":
                self.kept.append(self.ctx.defer(m))
                if len(self.kept) > 2:
                    self.kept.pop(0).reply(1)
                return self.kept[-1]
            return await self.act(m.kind)
        finally:
            self.active -= 1

    @on(Turn, state=Phase.FIRST)
    async def first(self, m: Turn) -> int:
        return await self.act(m.kind)

    @on(Turn, state=Phase.SECOND, cancel="caller")
    async def second(self, m: Turn) -> int:
        return await self.act(m.kind)

    @on(Look, concurrent=True)
    async def look(self, m: Look) -> int:
        return await self.act(m.kind)

    @on(Numbers, state=Phase.SECOND)
    async def numbers(self, m: Numbers) -> AsyncIterator[int]:
        for number in range(5):
            yield number
            if number == 3 and "crash" in m.kind:
                raise RuntimeError(m.kind)

    @on(Tick)
    async def tick(self, m: Tick) -> None: ...

    @on(Terminated)
    async def gone(self, m: Terminated) -> None: ...


class Gang(Supervisor, intensity=(1000, 1.0)):
    def __init__(self, world: World) -> None:
        self.world = world

    boss = child(Rascal)(late(lambda gang: gang.world))
    aide = child(Rascal, restart="transient", backoff=Backoff(initial=0.0005))(late(lambda gang: gang.world))
    crew = pool(child(Rascal)(late(lambda gang: gang.world)), 2, intensity=(1000, 1.0))
    others = dynamic(child(Rascal, restart="temporary"))


class Sworn(Gang, strategy="one_for_all"): ...


class Ranked(Gang, strategy="rest_for_one"): ...
