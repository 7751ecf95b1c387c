"""The workloads as programs for ``actors``."""

import anyio
import attrs

from actors import Actor, ActorSystem, Mailbox, Message, Ref, Request, on
from benchmarks.actors.candidates.crowd import crowd
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


@attrs.frozen
class Add(Message):
    amount: int


@attrs.frozen
class Total(Request[int]):
    pass


class Counter(Actor[Add | Total]):
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.total = 0

    @on(Add)
    async def add(self, message: Add) -> None:
        self.total += message.amount

    @on(Total)
    async def answer(self, message: Total) -> int:
        return self.total


async def tell(count: int, watch: Watch) -> None:
    message, total = Add(1), Total()
    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        await counter.ask(total)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    counter.tell(message)
                await counter.ask(total)
        expect(await counter.ask(total), count)


async def ask(count: int, watch: Watch) -> None:
    total = Total()
    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        await counter.ask(total)
        with watch:
            for _ in range(count):
                await counter.ask(total)


async def ask_timeout(count: int, watch: Watch) -> None:
    total = Total()
    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        await counter.ask(total)
        with watch:
            for _ in range(count):
                await counter.ask(total, timeout=60.0)


async def ask_many(count: int, watch: Watch) -> None:
    total = Total()

    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        await counter.ask(total)

        async def client() -> None:
            for _ in range(count // FLIGHT):
                await counter.ask(total)

        async with crowd(FLIGHT, client) as clients:
            with watch:
                await clients.run()


@attrs.frozen
class Ball(Message):
    pass


@attrs.frozen
class Meet(Message):
    other: Ref[Ball]


class Player(Actor[Ball | Meet]):
    """Returns the ball ``left`` times."""

    other: Ref[Ball]

    def __init__(self, left: int, over: anyio.Event) -> None:
        self.left = left
        self.over = over

    @on(Meet)
    async def meet(self, message: Meet) -> None:
        self.other = message.other

    @on(Ball)
    async def hit(self, message: Ball) -> None:
        self.left -= 1
        if self.left < 0:
            self.over.set()
        else:
            self.other.tell(message)


class Link(Actor[Ball | Meet]):
    """Passes the ball on to the next one."""

    other: Ref[Ball]

    @on(Meet)
    async def meet(self, message: Meet) -> None:
        self.other = message.other

    @on(Ball)
    async def hit(self, message: Ball) -> None:
        self.other.tell(message)


async def circle(size: int, count: int, watch: Watch) -> None:
    """``size`` actors in a circle; the first ends the game after its share of ``count`` hops."""
    over = anyio.Event()
    async with ActorSystem() as system:
        first: Ref[Ball | Meet] = system.spawn(Player, count // size, over)
        last: Ref[Ball] = first
        for _ in range(size - 1):
            link = system.spawn(Link)
            link.tell(Meet(last))
            last = link
        first.tell(Meet(last))
        await anyio.wait_all_tasks_blocked()
        with watch:
            last.tell(Ball())
            await over.wait()


async def ping_pong(count: int, watch: Watch) -> None:
    await circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await circle(RING, count, watch)


class Idle(Actor[Add]):
    """Does nothing until it is told to."""

    @on(Add)
    async def add(self, message: Add) -> None:
        """Forget it."""


async def spawn(count: int, watch: Watch) -> None:
    """Every actor has started before the system stops them all, last started first.

    Like the naive loop's, these actors have no state. Without a constructor there is nothing to run
    at the start, and the runtime makes the instance when it is needed.
    """
    with watch:
        async with ActorSystem() as system:
            refs = [system.spawn(Idle) for _ in range(count)]
            await system.started(refs[-1])
    expect(len(refs), count)


async def spawn_state(count: int, watch: Watch) -> None:
    """The same with a constructor to run and an instance to make."""
    with watch:
        async with ActorSystem() as system:
            refs = [system.spawn(Counter) for _ in range(count)]
            await system.started(refs[-1])
    expect(len(refs), count)


class Sink(Counter, mailbox=Mailbox(16_384)):
    """A counter with room for everything its senders send."""


async def fan_in(count: int, watch: Watch) -> None:
    message, total = Add(1), Total()

    async with ActorSystem() as system:
        sink = system.spawn(Sink)
        await sink.ask(total)

        async def sender() -> None:
            for _ in range(count // SENDERS):
                sink.tell(message)

        async with crowd(SENDERS, sender) as senders:
            with watch:
                await senders.run()
                done = await sink.ask(total)
        expect(done, count)


async def fan_in_offer(count: int, watch: Watch) -> None:
    """The same with back-pressure: senders wait for room in a default mailbox."""
    message, total = Add(1), Total()

    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        await counter.ask(total)

        async def sender() -> None:
            for _ in range(count // SENDERS):
                await counter.offer(message)

        async with crowd(SENDERS, sender) as senders:
            with watch:
                await senders.run()
                done = await counter.ask(total)
        expect(done, count)


class Tally:
    """Counts across incarnations."""

    def __init__(self) -> None:
        self.handled = 0


class Fragile(Actor[Add | Total]):
    """Crashes at every tenth message."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    @on(Add)
    async def add(self, message: Add) -> None:
        self.tally.handled += 1
        if not self.tally.handled % CRASH_EVERY:
            raise RuntimeError("the tenth")

    @on(Total)
    async def answer(self, message: Total) -> int:
        return self.tally.handled


async def crash(count: int, watch: Watch) -> None:
    message, total = Add(1), Total()
    async with ActorSystem(intensity=(count, 60.0)) as system:
        fragile = system.spawn(Fragile, Tally())
        await fragile.ask(total)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    fragile.tell(message)
                await fragile.ask(total)
        expect(await fragile.ask(total), count)


async def memory_idle(count: int, watch: Watch) -> None:
    """Actors that have started and never got a message; their refs are kept."""
    async with ActorSystem() as system:
        await system.spawn(Counter).ask(Total())
        with watch:
            refs = [system.spawn(Idle) for _ in range(count)]
            await system.started(refs[-1])
        expect(len(refs), count)


async def memory_state(count: int, watch: Watch) -> None:
    """The same with a constructor that sets one attribute."""
    async with ActorSystem() as system:
        await system.spawn(Counter).ask(Total())
        with watch:
            refs = [system.spawn(Counter) for _ in range(count)]
            await system.started(refs[-1])
        expect(len(refs), count)


async def memory_used(count: int, watch: Watch) -> None:
    """Actors that have handled one message each."""
    message = Add(1)
    async with ActorSystem() as system:
        await system.spawn(Counter).ask(Total())
        with watch:
            refs = [system.spawn(Idle) for _ in range(count)]
            for ref in refs:
                ref.tell(message)
            await anyio.wait_all_tasks_blocked()
        expect(sum(system.info(ref).handled for ref in refs), count)
