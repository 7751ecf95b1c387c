"""AutoGen core on its single-threaded runtime: one queue for all agents, no supervision.

``send_message`` waits for the answer, so telling is publishing to a topic.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    TopicId,
    TypeSubscription,
    event,
    rpc,
)

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect

TOPIC = TopicId("counter", "one")
COUNTER = AgentId("counter", "one")


@dataclass
class Add:
    amount: int


@dataclass
class Total:
    pass


@dataclass
class Ball:
    pass


class Counter(RoutedAgent):
    def __init__(self) -> None:
        super().__init__("A counter.")
        self.total = 0

    @event
    async def add(self, message: Add, ctx: MessageContext) -> None:
        self.total += message.amount

    @rpc
    async def get(self, message: Total, ctx: MessageContext) -> int:
        return self.total


@asynccontextmanager
async def _counting() -> AsyncIterator[SingleThreadedAgentRuntime]:
    runtime = SingleThreadedAgentRuntime(ignore_unhandled_exceptions=False)
    await Counter.register(runtime, "counter", Counter)
    await runtime.add_subscription(TypeSubscription("counter", "counter"))
    runtime.start()
    await runtime.send_message(Total(), COUNTER)
    yield runtime
    await runtime.stop_when_idle()
    await runtime.close()


async def tell(count: int, watch: Watch) -> None:
    async with _counting() as runtime:
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    await runtime.publish_message(Add(1), TOPIC)
                await runtime.send_message(Total(), COUNTER)
            while await runtime.send_message(Total(), COUNTER) < count:
                pass
        expect(await runtime.send_message(Total(), COUNTER), count)


async def ask(count: int, watch: Watch) -> None:
    async with _counting() as runtime:
        with watch:
            for _ in range(count):
                await runtime.send_message(Total(), COUNTER)


async def ask_many(count: int, watch: Watch) -> None:
    async def client(runtime: SingleThreadedAgentRuntime) -> None:
        for _ in range(count // FLIGHT):
            await runtime.send_message(Total(), COUNTER)

    async with _counting() as runtime:
        with watch:
            await asyncio.gather(*(client(runtime) for _ in range(FLIGHT)))


class Player(RoutedAgent):
    def __init__(self, size: int, count: int, over: asyncio.Event) -> None:
        super().__init__("A player.")
        at = int(self.id.key)
        self.other = TopicId("player", str((at + 1) % size))
        self.left = count if at else count // size
        self.over = over

    @event
    async def hit(self, message: Ball, ctx: MessageContext) -> None:
        self.left -= 1
        if self.left < 0:
            self.over.set()
        else:
            await self.publish_message(message, self.other)

    @rpc
    async def ready(self, message: Total, ctx: MessageContext) -> int:
        return self.left


async def _circle(size: int, count: int, watch: Watch) -> None:
    over = asyncio.Event()
    runtime = SingleThreadedAgentRuntime(ignore_unhandled_exceptions=False)
    await Player.register(runtime, "player", lambda: Player(size, count, over))
    await runtime.add_subscription(TypeSubscription("player", "player"))
    runtime.start()
    for at in range(size):
        await runtime.send_message(Total(), AgentId("player", str(at)))
    with watch:
        await runtime.publish_message(Ball(), TopicId("player", "1"))
        await over.wait()
    await runtime.stop_when_idle()
    await runtime.close()


async def ping_pong(count: int, watch: Watch) -> None:
    await _circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await _circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    with watch:
        runtime = SingleThreadedAgentRuntime()
        await Counter.register(runtime, "counter", Counter)
        for at in range(count):
            await runtime.get("counter", str(at), lazy=False)
        await runtime.close()


async def fan_in(count: int, watch: Watch) -> None:
    async def sender(runtime: SingleThreadedAgentRuntime) -> None:
        for _ in range(count // SENDERS):
            await runtime.publish_message(Add(1), TOPIC)

    async with _counting() as runtime:
        with watch:
            await asyncio.gather(*(sender(runtime) for _ in range(SENDERS)))
            while await runtime.send_message(Total(), COUNTER) < count:
                pass
        expect(await runtime.send_message(Total(), COUNTER), count)


async def memory(count: int, watch: Watch) -> None:
    runtime = SingleThreadedAgentRuntime()
    await Counter.register(runtime, "counter", Counter)
    with watch:
        ids: list[Any] = [await runtime.get("counter", str(at), lazy=False) for at in range(count)]
    expect(len(ids), count)


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
