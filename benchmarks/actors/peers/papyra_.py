"""Papyra: an actor system on anyio streams, a task per actor, with supervision."""

from typing import Any

import anyio
from papyra import Actor, ActorSystem
from papyra.supervision import Strategy, SupervisionPolicy

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


class Counter(Actor):
    def __init__(self) -> None:
        self.total = 0

    async def receive(self, message: Any) -> Any:
        if message == "total":
            return self.total
        self.total += message
        return None


async def tell(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    await counter.tell(1)
                await counter.ask("total")
        expect(await counter.ask("total"), count)


async def ask(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        with watch:
            for _ in range(count):
                await counter.ask("total")


async def ask_many(count: int, watch: Watch) -> None:
    async def client(counter: Any) -> None:
        for _ in range(count // FLIGHT):
            await counter.ask("total")

    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        with watch:
            async with anyio.create_task_group() as clients:
                for _ in range(FLIGHT):
                    clients.start_soon(client, counter)


class Player(Actor):
    def __init__(self, left: int, over: anyio.Event) -> None:
        self.left = left
        self.over = over
        self.other: Any = None

    async def receive(self, message: Any) -> None:
        if message != "ball":
            self.other = message
            return
        self.left -= 1
        if self.left < 0:
            self.over.set()
        else:
            await self.other.tell("ball")


async def _circle(size: int, count: int, watch: Watch) -> None:
    over = anyio.Event()
    async with ActorSystem() as system:
        lefts = [count if at else count // size for at in range(size)]
        players = [system.spawn(lambda left=left: Player(left, over)) for left in lefts]
        for at, player in enumerate(players):
            await player.ask(players[(at + 1) % size])
        with watch:
            await players[1].tell("ball")
            await over.wait()


async def ping_pong(count: int, watch: Watch) -> None:
    await _circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await _circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    with watch:
        async with ActorSystem() as system:
            counters = [system.spawn(Counter) for _ in range(count)]
            await counters[-1].ask("total")


async def fan_in(count: int, watch: Watch) -> None:
    async def sender(counter: Any) -> None:
        for _ in range(count // SENDERS):
            await counter.tell(1)

    async with ActorSystem() as system:
        counter = system.spawn(Counter)
        with watch:
            async with anyio.create_task_group() as senders:
                for _ in range(SENDERS):
                    senders.start_soon(sender, counter)
            done = await counter.ask("total")
        expect(done, count)


async def crash(count: int, watch: Watch) -> None:
    handled = 0

    class Fragile(Actor):
        async def receive(self, message: Any) -> Any:
            nonlocal handled
            if message == "total":
                return handled
            handled += 1
            if not handled % CRASH_EVERY:
                raise RuntimeError("the tenth")
            return None

    policy = SupervisionPolicy(Strategy.RESTART, max_restarts=count, within_seconds=60.0)
    async with ActorSystem() as system:
        fragile = system.spawn(Fragile, policy=policy)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    await fragile.tell(1)
                await fragile.ask("total")
        expect(await fragile.ask("total"), count)


async def memory(count: int, watch: Watch) -> None:
    async with ActorSystem() as system:
        with watch:
            counters = [system.spawn(Counter) for _ in range(count)]
            await counters[-1].ask("total")


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
