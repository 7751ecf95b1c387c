"""Fauxtp: Erlang's words on anyio: GenServer, call, cast, Supervisor; a task per actor."""

from typing import Any

import anyio
from fauxtp import GenServer, call, cast
from fauxtp.registry import Registry
from fauxtp.supervisor import ChildSpec, RestartStrategy, Supervisor

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import CRASH_EVERY, FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


class Counter(GenServer):
    async def init(self) -> int:
        return 0

    async def handle_call(self, request: Any, from_ref: Any, state: int) -> tuple[Any, int]:
        return state, state

    async def handle_cast(self, request: Any, state: int) -> int:
        return state + int(request)


async def tell(count: int, watch: Watch) -> None:
    async with anyio.create_task_group() as group:
        counter = await Counter.start(task_group=group)
        with watch:
            for _ in range(count // WAVE):
                for _ in range(WAVE):
                    await cast(counter, 1)
                await call(counter, "total")
        expect(await call(counter, "total"), count)
        group.cancel_scope.cancel()


async def ask(count: int, watch: Watch) -> None:
    async with anyio.create_task_group() as group:
        counter = await Counter.start(task_group=group)
        with watch:
            for _ in range(count):
                await call(counter, "total")
        group.cancel_scope.cancel()


async def ask_many(count: int, watch: Watch) -> None:
    async def client(counter: Any) -> None:
        for _ in range(count // FLIGHT):
            await call(counter, "total")

    async with anyio.create_task_group() as group:
        counter = await Counter.start(task_group=group)
        with watch:
            async with anyio.create_task_group() as clients:
                for _ in range(FLIGHT):
                    clients.start_soon(client, counter)
        group.cancel_scope.cancel()


class Player(GenServer):
    def __init__(self, left: int, over: anyio.Event) -> None:
        super().__init__()
        self.left = left
        self.over = over
        self.other: Any = None

    async def handle_call(self, request: Any, from_ref: Any, state: Any) -> tuple[Any, Any]:
        self.other = request
        return None, state

    async def handle_cast(self, request: Any, state: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            self.over.set()
        else:
            await cast(self.other, request)
        return state


async def _circle(size: int, count: int, watch: Watch) -> None:
    over = anyio.Event()
    async with anyio.create_task_group() as group:
        lefts = [count if at else count // size for at in range(size)]
        players = [await Player.start(left, over, task_group=group) for left in lefts]
        for at, player in enumerate(players):
            await call(player, players[(at + 1) % size])
        with watch:
            await cast(players[1], "ball")
            await over.wait()
        group.cancel_scope.cancel()


async def ping_pong(count: int, watch: Watch) -> None:
    await _circle(2, count, watch)


async def ring(count: int, watch: Watch) -> None:
    await _circle(RING, count, watch)


async def spawn(count: int, watch: Watch) -> None:
    with watch:
        async with anyio.create_task_group() as group:
            handles = [await Counter.start_link(task_group=group) for _ in range(count)]
            await call(handles[-1].pid, "total")
            for handle in handles:
                handle.cancel_scope.cancel()


async def fan_in(count: int, watch: Watch) -> None:
    async def sender(counter: Any) -> None:
        for _ in range(count // SENDERS):
            await cast(counter, 1)

    async with anyio.create_task_group() as group:
        counter = await Counter.start(task_group=group)
        with watch:
            async with anyio.create_task_group() as senders:
                for _ in range(SENDERS):
                    senders.start_soon(sender, counter)
            done = await call(counter, "total")
        expect(done, count)
        group.cancel_scope.cancel()


async def crash(count: int, watch: Watch) -> None:
    """A restarted child has a new mailbox, so the sender waits for it before it sends on."""
    handled = 0

    class Fragile(GenServer):
        async def handle_call(self, request: Any, from_ref: Any, state: Any) -> tuple[Any, Any]:
            return handled, state

        async def handle_cast(self, request: Any, state: Any) -> Any:
            nonlocal handled
            handled += 1
            if not handled % CRASH_EVERY:
                raise RuntimeError("the tenth")
            return state

    async with anyio.create_task_group() as group:
        registry = await Registry.start(task_group=group)
        await Supervisor.start(
            [ChildSpec(Fragile, "fragile")], RestartStrategy.ONE_FOR_ONE, registry, task_group=group
        )
        await anyio.wait_all_tasks_blocked()
        fragile = await call(registry, ("get", "fragile"))
        with watch:
            for _ in range(count // CRASH_EVERY):
                for _ in range(CRASH_EVERY):
                    await cast(fragile, 1)
                last = fragile
                while fragile is None or fragile == last:
                    await anyio.lowlevel.checkpoint()
                    fragile = await call(registry, ("get", "fragile"))
        expect(handled, count)
        group.cancel_scope.cancel()


async def memory(count: int, watch: Watch) -> None:
    async with anyio.create_task_group() as group:
        with watch:
            counters = [await Counter.start(task_group=group) for _ in range(count)]
            await call(counters[-1], "total")
        group.cancel_scope.cancel()


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
