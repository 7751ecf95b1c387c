"""Tapio: typed behaviours on asyncio, a task per actor, with supervision."""

import asyncio
from datetime import timedelta
from typing import Any

from tapio import ActorSystem, Behavior, Behaviors, MailboxConfig, Message, SupervisorStrategy
from tapio.actor import ActorRef

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


class Total(Message):
    total: int


class Add(Message):
    amount: int


class Get(Message):
    reply_to: ActorRef[Total]


def counter() -> Behavior[Any]:
    total = 0

    async def receive(message: Add | Get) -> Behavior[Any]:
        nonlocal total
        if isinstance(message, Add):
            total += message.amount
        else:
            message.reply_to.tell(Total(total=total))
        return Behaviors.same()

    return Behaviors.receive_message(receive)


async def _total(ref: Any, timeout_s: float | None = None) -> int:
    timeout = None if timeout_s is None else timedelta(seconds=timeout_s)
    reply = await ref.ask(lambda reply_to: Get(reply_to=reply_to), expect=Total, timeout=timeout)
    return int(reply.total)


async def tell(count: int, watch: Watch) -> None:
    async with ActorSystem("bench") as system:
        ref = system.spawn(counter(), name="counter")
        message = Add(amount=1)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    ref.tell(message)
                await _total(ref)
        expect(await _total(ref), count)


async def ask(count: int, watch: Watch) -> None:
    async with ActorSystem("bench") as system:
        ref = system.spawn(counter(), name="counter")
        with watch:
            for _ in range(count):
                await _total(ref)


async def ask_many(count: int, watch: Watch) -> None:
    async def client(ref: Any) -> None:
        for _ in range(count // FLIGHT):
            await _total(ref)

    async with ActorSystem("bench") as system:
        ref = system.spawn(counter(), name="counter")
        with watch:
            await asyncio.gather(*(client(ref) for _ in range(FLIGHT)))


class Ball(Message):
    pass


class Meet(Message):
    other: ActorRef[Ball]


def player(left: int, over: asyncio.Event) -> Behavior[Any]:
    other: Any = None

    async def receive(message: Ball | Meet) -> Behavior[Any]:
        nonlocal left, other
        if isinstance(message, Meet):
            other = message.other
            return Behaviors.same()
        left -= 1
        if left < 0:
            over.set()
        else:
            other.tell(message)
        return Behaviors.same()

    return Behaviors.receive_message(receive)


async def _circle(size: int, count: int, watch: Watch) -> None:
    over, ball = asyncio.Event(), Ball()
    async with ActorSystem("bench") as system:
        lefts = [count if at else count // size for at in range(size)]
        players = [system.spawn_anonymous(player(left, over)) for left in lefts]
        for at, one in enumerate(players):
            one.tell(Meet(other=players[(at + 1) % size]))
        for _ in range(10):
            await asyncio.sleep(0)
        with watch:
            players[1].tell(ball)
            await over.wait()


async def ping_pong(count: int, watch: Watch) -> None:
    await _circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await _circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    with watch:
        async with ActorSystem("bench") as system:
            refs = [system.spawn_anonymous(counter()) for _ in range(count)]
            await _total(refs[-1])


async def fan_in(count: int, watch: Watch) -> None:
    message = Add(amount=1)

    async def sender(ref: Any) -> None:
        for _ in range(count // SENDERS):
            await ref.offer(message)

    async with ActorSystem("bench") as system:
        ref = system.spawn(counter(), name="counter", mailbox=MailboxConfig(capacity=1_024))
        with watch:
            await asyncio.gather(*(sender(ref) for _ in range(SENDERS)))
            done = await _total(ref)
        expect(done, count)


async def crash(count: int, watch: Watch) -> None:
    handled = 0

    async def receive(message: Add | Get) -> Behavior[Any]:
        nonlocal handled
        if isinstance(message, Get):
            message.reply_to.tell(Total(total=handled))
            return Behaviors.same()
        handled += 1
        if not handled % CRASH_EVERY:
            raise RuntimeError("the tenth")
        return Behaviors.same()

    fragile = Behaviors.supervise(Behaviors.receive_message(receive))
    message = Add(amount=1)
    async with ActorSystem("bench") as system:
        ref = system.spawn(fragile.on_failure(SupervisorStrategy.restart()), name="fragile")
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    ref.tell(message)
                await _total(ref)
        expect(await _total(ref), count)


async def memory(count: int, watch: Watch) -> None:
    async with ActorSystem("bench") as system:
        with watch:
            refs = [system.spawn_anonymous(counter()) for _ in range(count)]
            await _total(refs[-1])


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
