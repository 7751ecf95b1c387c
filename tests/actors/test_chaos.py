"""Everything at once: whatever is done to a system, no wait lasts and the books balance."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors import ActorSystem, Ref
from tests.actors.chaos import KINDS, Do, Everything, Gang, Look, Numbers, Ranked, Sworn, Turn, World, quietly
from tests.actors.moments import settle


class Disorder:
    """One run: random things are done to a gang of actors, then the system stops."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.scopes: list[anyio.CancelScope] = []
        self.system = ActorSystem(
            intensity=(1000, 1.0),
            shutdown=3,
            isolation="verify" if seed % 3 == 0 else "trust",
        )

    async def run(self) -> None:
        world, dice = self.world, self.world.dice
        async with self.system as system:
            gang = system.supervise(dice.choice([Gang, Sworn, Ranked]), world)
            world.refs += [gang.boss, gang.aide, gang.crew]
            with anyio.fail_after(20):
                async with anyio.create_task_group() as group:
                    for _ in range(dice.randint(20, 100)):
                        await self.one(group, gang, dice.choice(self.DEEDS))
                    self.resume_all()
                    await checkpoint()
                    world.gate.set()
                    await settle(30)
                    group.start_soon(system.stop)
        self.check()

    async def one(self, group: TaskGroup, gang: Gang, deed: str) -> None:
        world, system = self.world, self.system
        ref, kind = world.pick(), world.dice.choice(KINDS)
        if deed == "tell":
            ref.tell(world.dice.choice([Do, Turn, Look])(kind))
        elif deed == "ask":
            message: Any = world.dice.choice([Do, Turn, Look])(kind)
            self.start(group, self.ask, ref, message, world.dice.choice([None, None, 0.001]))
        elif deed == "offer":
            self.start(group, ref.offer, Do(kind))
        elif deed == "stream":
            self.start(group, self.stream, ref, Numbers(kind), world.dice.randint(1, 7))
        elif deed == "look":
            self.start(group, system.snapshot, gang.boss)
        elif deed == "stop":
            self.start(group, system.stop_actor, ref)
        elif deed == "steps":
            await settle(world.dice.randint(1, 5))
        else:
            self.at_once(gang, deed, ref)

    def at_once(self, gang: Gang, deed: str, ref: Ref[Everything]) -> None:
        if deed == "kill":
            self.system.kill(ref)
        elif deed == "suspend":
            self.system.suspend(ref)
        elif deed == "resume":
            self.resume_all()
        elif deed == "spawn" and len(gang.others) < 5:
            self.world.refs.append(gang.others.spawn(self.world))
        elif deed == "cancel" and self.scopes:
            self.world.dice.choice(self.scopes).cancel()

    DEEDS = (
        *("tell",) * 10, *("ask",) * 15, *("offer",) * 5, *("stream",) * 4, *("steps",) * 5,
        *("resume",) * 3, "kill", "kill", "suspend", "suspend", "cancel", "cancel", "look", "stop", "spawn",
    )  # fmt: skip

    def resume_all(self) -> None:
        for ref in self.world.refs:
            self.system.resume(ref)

    def start(self, group: TaskGroup, function: Callable[..., Awaitable[object]], *args: object) -> None:
        scope = anyio.CancelScope()
        if self.world.chance(0.2):
            self.scopes.append(scope)

        async def call() -> None:
            with scope:
                await quietly(function, *args)

        group.start_soon(call)

    async def ask(self, ref: Ref[Everything], message: Any, timeout: float | None) -> None:
        await ref.ask(message, timeout=timeout)

    async def stream(self, ref: Ref[Everything], message: Numbers, wanted: int) -> None:
        async with ref.stream(message, buffer=1) as numbers:
            async for number in numbers:
                if number >= wanted:
                    break

    def check(self) -> None:
        books = self.system.statistics()
        ends = books.handled + books.rejected + books.expired + sum(books.dead_letters.values())
        assert self.world.faults == []
        assert books.queued == 0
        assert books.accepted + books.refused == ends
        assert books.workers == 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1_000_000))
def test_whatever_is_done_every_wait_ends_and_the_books_balance(backend: str, seed: int) -> None:
    async def play() -> None:
        await Disorder(seed).run()

    anyio.run(play, backend=backend)
