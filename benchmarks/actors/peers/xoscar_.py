"""Xoscar in one process: a call to an actor runs in the caller's task, under the actor's lock.

It passes a failure to the caller and restarts no actor.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import xoscar as xo

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


class Counter(xo.Actor):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def add(self, amount: int) -> None:
        self.total += amount

    def get(self) -> int:
        return self.total


@asynccontextmanager
async def _pool() -> AsyncIterator[str]:
    pool = await xo.create_actor_pool("127.0.0.1", n_process=0)
    async with pool:
        yield pool.external_address


async def _create(actor: Any, *arguments: Any, address: str) -> Any:
    """A reference that knows that its actor is in this process: the fast way of this peer."""
    return await xo.actor_ref(await xo.create_actor(actor, *arguments, address=address))


async def tell(count: int, watch: Watch) -> None:
    async with _pool() as address:
        counter = await _create(Counter, address=address)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    await counter.add.tell(1)
                await counter.get()
        expect(await counter.get(), count)


async def ask(count: int, watch: Watch) -> None:
    async with _pool() as address:
        counter = await _create(Counter, address=address)
        with watch:
            for _ in range(count):
                await counter.get()


async def ask_many(count: int, watch: Watch) -> None:
    async def client(counter: Any) -> None:
        for _ in range(count // FLIGHT):
            await counter.get()

    async with _pool() as address:
        counter = await _create(Counter, address=address)
        with watch:
            await asyncio.gather(*(client(counter) for _ in range(FLIGHT)))


class Player(xo.Actor):
    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        self.other: Any = None
        self.over = asyncio.Event()

    def meet(self, other: Any) -> None:
        self.other = other

    async def hit(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.over.set()
        else:
            await self.other.hit.tell()

    @xo.no_lock
    async def wait(self) -> None:
        await self.over.wait()


async def _circle(size: int, count: int, watch: Watch) -> None:
    async with _pool() as address:
        lefts = [count if at else count // size for at in range(size)]
        players = [await _create(Player, left, address=address) for left in lefts]
        for at, player in enumerate(players):
            await player.meet(players[(at + 1) % size])
        over = asyncio.create_task(players[0].wait())
        await asyncio.sleep(0)
        with watch:
            await players[1].hit.tell()
            await over


async def ping_pong(count: int, watch: Watch) -> None:
    await _circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await _circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    async with _pool() as address:
        with watch:
            counters = [await _create(Counter, address=address) for _ in range(count)]
            for counter in counters:
                await xo.destroy_actor(counter)


async def fan_in(count: int, watch: Watch) -> None:
    async def sender(counter: Any) -> None:
        for _ in range(count // SENDERS):
            await counter.add.tell(1)

    async with _pool() as address:
        counter = await _create(Counter, address=address)
        with watch:
            await asyncio.gather(*(sender(counter) for _ in range(SENDERS)))
            done = await counter.get()
            while done < count:
                await asyncio.sleep(0)
                done = await counter.get()
        expect(done, count)


async def memory(count: int, watch: Watch) -> None:
    async with _pool() as address:
        with watch:
            counters = [await _create(Counter, address=address) for _ in range(count)]
        expect(len(counters), count)


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
            "memory": memory,
        }
    )
