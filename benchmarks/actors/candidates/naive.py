"""The workloads as bare anyio memory-stream loops, written the naive way: ``send`` and ``async for``."""

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream as Receive
from anyio.streams.memory import MemoryObjectSendStream as Send

from benchmarks.actors.candidates.crowd import crowd
from benchmarks.actors.candidates.orket import Add, Ball, Total
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, ROOM, SENDERS
from benchmarks.actors.watch import Watch, expect

Question = tuple[Total, Send[int]]


class Box:
    """The state that an actor would own, and its loop."""

    def __init__(self) -> None:
        self.total = 0
        self.over = anyio.Event()

    async def run(self, inbox: Receive[Add]) -> None:
        async with inbox:
            async for message in inbox:
                self.total += message.amount
        self.over.set()

    async def answer(self, inbox: Receive[Question]) -> None:
        async with inbox:
            async for _, port in inbox:
                await port.send(self.total)


async def tell(count: int, watch: Watch) -> None:
    message, box = Add(1), Box()
    send, receive = anyio.create_memory_object_stream[Add](ROOM)
    with watch:
        async with anyio.create_task_group() as group:
            group.start_soon(box.run, receive)
            async with send:
                for _ in range(count):
                    await send.send(message)
    expect(box.total, count)


async def _ask(send: Send[Question], total: Total) -> int:
    """A reply stream per request, as one writes it."""
    port, replies = anyio.create_memory_object_stream[int](1)
    async with port, replies:
        await send.send((total, port))
        return await replies.receive()


async def ask(count: int, watch: Watch) -> None:
    total = Total()
    send, receive = anyio.create_memory_object_stream[Question](ROOM)
    async with anyio.create_task_group() as group, send:
        group.start_soon(Box().answer, receive)
        with watch:
            for _ in range(count):
                await _ask(send, total)


async def ask_timeout(count: int, watch: Watch) -> None:
    total = Total()
    send, receive = anyio.create_memory_object_stream[Question](ROOM)
    async with anyio.create_task_group() as group, send:
        group.start_soon(Box().answer, receive)
        with watch:
            for _ in range(count):
                with anyio.fail_after(60.0):
                    await _ask(send, total)


async def ask_kept(count: int, watch: Watch) -> None:
    """One reply stream for all requests of the client: leaner than the naive way."""
    total = Total()
    send, receive = anyio.create_memory_object_stream[Question](ROOM)
    port, replies = anyio.create_memory_object_stream[int](1)
    async with anyio.create_task_group() as group, send, port, replies:
        group.start_soon(Box().answer, receive)
        with watch:
            for _ in range(count):
                await send.send((total, port))
                await replies.receive()


async def ask_many(count: int, watch: Watch) -> None:
    total = Total()
    send, receive = anyio.create_memory_object_stream[Question](ROOM)

    async def client() -> None:
        for _ in range(count // FLIGHT):
            await _ask(send, total)

    async with anyio.create_task_group() as group, send:
        group.start_soon(Box().answer, receive)
        async with crowd(FLIGHT, client) as clients:
            with watch:
                await clients.run()
        send.close()


async def ask_many_kept(count: int, watch: Watch) -> None:
    """One reply stream per client."""
    total = Total()
    send, receive = anyio.create_memory_object_stream[Question](ROOM)

    async def client() -> None:
        port, replies = anyio.create_memory_object_stream[int](1)
        async with port, replies:
            for _ in range(count // FLIGHT):
                await send.send((total, port))
                await replies.receive()

    async with anyio.create_task_group() as group, send:
        group.start_soon(Box().answer, receive)
        async with crowd(FLIGHT, client) as clients:
            with watch:
                await clients.run()
        send.close()


async def circle(size: int, count: int, watch: Watch) -> None:
    """``size`` loops in a circle; the first ends the game after its share of ``count`` hops."""
    streams = [anyio.create_memory_object_stream[Ball](ROOM) for _ in range(size)]
    over = anyio.Event()

    async def link(inbox: Receive[Ball], outbox: Send[Ball]) -> None:
        async with inbox, outbox:
            async for ball in inbox:
                await outbox.send(ball)

    async def first(inbox: Receive[Ball], outbox: Send[Ball]) -> None:
        left = count // size
        async with inbox, outbox:
            async for ball in inbox:
                left -= 1
                if left < 0:
                    over.set()
                else:
                    await outbox.send(ball)

    async with anyio.create_task_group() as group:
        for at in range(size):
            group.start_soon(link if at else first, streams[at][1], streams[(at + 1) % size][0])
        await anyio.wait_all_tasks_blocked()
        with watch:
            streams[1][0].send_nowait(Ball())
            await over.wait()
        group.cancel_scope.cancel()


async def ping_pong(count: int, watch: Watch) -> None:
    await circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await circle(RING, count, watch)


async def idle(inbox: Receive[Add]) -> None:
    async with inbox:
        async for _ in inbox:
            pass


async def spawn(count: int, watch: Watch) -> None:
    """A stream and a task each; closing the stream ends the task."""
    with watch:
        sends = []
        async with anyio.create_task_group() as group:
            for _ in range(count):
                send, receive = anyio.create_memory_object_stream[Add](ROOM)
                group.start_soon(idle, receive)
                sends.append(send)
            await anyio.lowlevel.checkpoint()
            for send in sends:
                send.close()


async def fan_in(count: int, watch: Watch) -> None:
    message, box = Add(1), Box()
    send, receive = anyio.create_memory_object_stream[Add](ROOM)

    async def sender() -> None:
        async with send.clone() as outbox:
            for _ in range(count // SENDERS):
                await outbox.send(message)

    async with anyio.create_task_group() as group:
        group.start_soon(box.run, receive)
        async with crowd(SENDERS, sender) as senders:
            with watch:
                await senders.run()
                send.close()
                await box.over.wait()
    expect(box.total, count)


async def crash(count: int, watch: Watch) -> None:
    """The supervisor is a loop around the loop."""
    message, handled = Add(1), 0
    send, receive = anyio.create_memory_object_stream[Add](ROOM)

    async def work() -> None:
        nonlocal handled
        async for _ in receive:
            handled += 1
            if not handled % CRASH_EVERY:
                raise RuntimeError("the tenth")

    async def supervise() -> None:
        async with receive:
            while True:
                try:
                    return await work()
                except RuntimeError:
                    continue

    with watch:
        async with anyio.create_task_group() as group:
            group.start_soon(supervise)
            async with send:
                for _ in range(count):
                    await send.send(message)
    expect(handled, count)


async def memory_idle(count: int, watch: Watch) -> None:
    sends = []
    async with anyio.create_task_group() as group:
        with watch:
            for _ in range(count):
                send, receive = anyio.create_memory_object_stream[Add](ROOM)
                group.start_soon(idle, receive)
                sends.append(send)
            await anyio.wait_all_tasks_blocked()
        for send in sends:
            send.close()
