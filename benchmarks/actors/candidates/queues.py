"""The workloads with ``asyncio.Queue`` and bare tasks: an asyncio-only floor."""

import asyncio
from typing import Any

from benchmarks.actors.candidates.crowd import crowd
from benchmarks.actors.candidates.orket import Add, Ball, Total
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, ROOM, SENDERS
from benchmarks.actors.watch import Watch, expect

#: Ends a loop.
END: Any = None


class Box:
    """The state that an actor would own, and its loop."""

    def __init__(self) -> None:
        self.total = 0
        self.over = asyncio.Event()

    async def run(self, inbox: asyncio.Queue[Add]) -> None:
        while (message := await inbox.get()) is not END:
            self.total += message.amount
        self.over.set()

    async def answer(self, inbox: asyncio.Queue[tuple[Total, asyncio.Future[int]]]) -> None:
        while (question := await inbox.get()) is not END:
            question[1].set_result(self.total)


async def tell(count: int, watch: Watch) -> None:
    message, box = Add(1), Box()
    inbox: asyncio.Queue[Add] = asyncio.Queue(ROOM)
    with watch:
        async with asyncio.TaskGroup() as group:
            group.create_task(box.run(inbox))
            for _ in range(count):
                await inbox.put(message)
            await inbox.put(END)
    expect(box.total, count)


async def _ask(inbox: asyncio.Queue[Any], total: Total) -> int:
    reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    await inbox.put((total, reply))
    return await reply


async def ask(count: int, watch: Watch) -> None:
    total = Total()
    inbox: asyncio.Queue[Any] = asyncio.Queue(ROOM)
    async with asyncio.TaskGroup() as group:
        group.create_task(Box().answer(inbox))
        with watch:
            for _ in range(count):
                await _ask(inbox, total)
        await inbox.put(END)


async def ask_many(count: int, watch: Watch) -> None:
    total = Total()
    inbox: asyncio.Queue[Any] = asyncio.Queue(ROOM)

    async def client() -> None:
        for _ in range(count // FLIGHT):
            await _ask(inbox, total)

    async with asyncio.TaskGroup() as group:
        group.create_task(Box().answer(inbox))
        async with crowd(FLIGHT, client) as clients:
            with watch:
                await clients.run()
        await inbox.put(END)


async def circle(size: int, count: int, watch: Watch) -> None:
    queues: list[asyncio.Queue[Ball]] = [asyncio.Queue(ROOM) for _ in range(size)]
    over = asyncio.Event()

    async def link(at: int) -> None:
        inbox, outbox = queues[at], queues[(at + 1) % size]
        left = count if at else count // size
        while (ball := await inbox.get()) is not END:
            left -= 1
            if left < 0:
                over.set()
            else:
                await outbox.put(ball)

    async with asyncio.TaskGroup() as group:
        for at in range(size):
            group.create_task(link(at))
        await asyncio.sleep(0)
        with watch:
            await queues[1].put(Ball())
            await over.wait()
        for queue in queues:
            await queue.put(END)


async def ping_pong(count: int, watch: Watch) -> None:
    await circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    with watch:
        async with asyncio.TaskGroup() as group:
            queues: list[asyncio.Queue[Add]] = []
            for _ in range(count):
                queue: asyncio.Queue[Add] = asyncio.Queue(ROOM)
                group.create_task(Box().run(queue))
                queues.append(queue)
            await asyncio.sleep(0)
            for queue in queues:
                await queue.put(END)


async def fan_in(count: int, watch: Watch) -> None:
    message, box = Add(1), Box()
    inbox: asyncio.Queue[Add] = asyncio.Queue(ROOM)

    async def sender() -> None:
        for _ in range(count // SENDERS):
            await inbox.put(message)

    async with asyncio.TaskGroup() as group:
        group.create_task(box.run(inbox))
        async with crowd(SENDERS, sender) as senders:
            with watch:
                await senders.run()
                await inbox.put(END)
                await box.over.wait()
    expect(box.total, count)


async def crash(count: int, watch: Watch) -> None:
    message, handled = Add(1), 0
    inbox: asyncio.Queue[Add] = asyncio.Queue(ROOM)

    async def work() -> None:
        nonlocal handled
        while await inbox.get() is not END:
            handled += 1
            if not handled % CRASH_EVERY:
                raise RuntimeError("the tenth")

    async def supervise() -> None:
        while True:
            try:
                return await work()
            except RuntimeError:
                continue

    with watch:
        async with asyncio.TaskGroup() as group:
            group.create_task(supervise())
            for _ in range(count):
                await inbox.put(message)
            await inbox.put(END)
    expect(handled, count)
