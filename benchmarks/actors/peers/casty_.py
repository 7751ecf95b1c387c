"""Casty: virtual actors, Python bodies on a runtime in Rust; an actor is never stopped by hand.

``release`` ends an activation as if it had idled out, which stands for its stop.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from casty import ActorSystem, Askable, Backoff, Context, Ref, actor

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


@dataclass(frozen=True)
class Add:
    amount: int


@dataclass(frozen=True)
class Total(Askable[int]):
    pass


@actor(initial=0)
async def counter(ctx: Context[int, Add | Total]) -> None:
    total = 0
    async for message in ctx.inbox:
        match message:
            case Add(amount):
                total += amount
            case Total():
                message.reply_to.tell(total)


async def tell(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        ref = system.ref(counter, "one")
        await ref.ask(Total())
        message = Add(1)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    ref.tell(message)
                await ref.ask(Total())
        expect(await ref.ask(Total()), count)


async def ask(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        ref = system.ref(counter, "one")
        with watch:
            for _ in range(count):
                await ref.ask(Total())


async def ask_many(count: int, watch: Watch) -> None:
    async def client(ref: Ref[Total]) -> None:
        for _ in range(count // FLIGHT):
            await ref.ask(Total())

    async with ActorSystem() as system:
        ref = system.ref(counter, "one")
        with watch:
            await asyncio.gather(*(client(ref) for _ in range(FLIGHT)))


@dataclass(frozen=True)
class Ball:
    left: int


@dataclass(frozen=True)
class Wait(Askable[bool]):
    pass


@dataclass(frozen=True)
class Meet(Askable[bool]):
    key: str


@actor(initial=0)
async def player(ctx: Context[int, Ball | Meet | Wait]) -> None:
    """Passes the ball on; whoever sees it for the last time answers the one who waits."""
    waiting: Wait | None = None
    other = ctx.self
    async for message in ctx.inbox:
        match message:
            case Ball(left):
                if left:
                    other.tell(Ball(left - 1))
                elif waiting is not None:
                    waiting.reply_to.tell(True)
            case Meet(key):
                other = ctx.system.ref(player, key)
                message.reply_to.tell(True)
            case Wait():
                waiting = message


async def _circle(size: int, count: int, watch: Watch) -> None:
    async with ActorSystem(ask_timeout=timedelta(minutes=1)) as system:
        players = [system.ref(player, str(at)) for at in range(size)]
        for at, one in enumerate(players):
            await one.ask(Meet(str((at + 1) % size)))
        waiting = asyncio.create_task(players[0].ask(Wait()))
        await asyncio.sleep(0)
        with watch:
            players[0].tell(Ball(count))
            await waiting


async def ping_pong(count: int, watch: Watch) -> None:
    await _circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await _circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        with watch:
            for at in range(count):
                await system.ref(counter, str(at)).ask(Total())
            for at in range(count):
                await system.release(counter, str(at))


async def fan_in(count: int, watch: Watch) -> None:
    message = Add(1)

    async def sender(ref: Ref[Add]) -> None:
        for _ in range(count // SENDERS):
            ref.tell(message)

    async with ActorSystem() as system:
        ref = system.ref(counter, "one")
        await ref.ask(Total())
        with watch:
            await asyncio.gather(*(sender(ref) for _ in range(SENDERS)))
            done = await ref.ask(Total())
        expect(done, count)


@actor(initial=0, backoff=Backoff(first=timedelta(0), limit=timedelta(0)))
async def fragile(ctx: Context[int, Add | Total]) -> None:
    seen = 0
    async for message in ctx.inbox:
        match message:
            case Add():
                seen += 1
                if seen == CRASH_EVERY:
                    raise RuntimeError("the tenth")
            case Total():
                message.reply_to.tell(seen)


async def crash(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        ref = system.ref(fragile, "one")
        await ref.ask(Total())
        message = Add(1)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    ref.tell(message)
                await ref.ask(Total())
        expect(await ref.ask(Total()), 0)


async def memory(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        with watch:
            for at in range(count):
                await system.ref(counter, str(at)).ask(Total())


if __name__ == "__main__":
    serve(
        {
            "tell": tell,
            "ask": ask,
            "ask_many": ask_many,
            "ping_pong": ping_pong,
            "ring": ring,
            "spawn": spawn,
            "fan_in": fan_in,
            "crash": crash,
            "memory": memory,
        }
    )
