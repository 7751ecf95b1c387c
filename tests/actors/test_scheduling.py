"""Workers: fairness, cancellation from outside, and the total deadline of a stop."""

import asyncio
from typing import Any

import anyio
import attrs
import pytest
from anyio.lowlevel import checkpoint

from actors import Actor, ActorSystem, Backoff, Exit, Mailbox, Message, on
from tests.actors.bank import Account, Balance, Boom, Deposit, Enter, Gate, Note, Porter
from tests.actors.moments import background, settle

pytestmark = pytest.mark.anyio


@attrs.frozen
class Tick(Message):
    pass


class Counting(Actor[Tick], mailbox=Mailbox(10_000)):
    def __init__(self, seen: list[int], after_stop: list[int] | None = None) -> None:
        self.seen = seen

    @on(Tick)
    async def tick(self, m: Tick) -> None:
        self.seen[0] += 1


async def test_other_tasks_run_after_at_most_so_many_messages(anyio_backend_name: str) -> None:
    seen, most = [0], 0
    async with ActorSystem() as system:
        actors = [system.spawn(Counting, seen) for _ in range(10)]
        await system.started(actors[-1])
        for _ in range(200):
            for actor in actors:
                actor.tell(Tick())
        while seen[0] < 2000:
            before = seen[0]
            await checkpoint()
            most = max(most, seen[0] - before)
    assert 0 < most <= (128 if anyio_backend_name == "trio" else 64)


async def test_nothing_is_handled_after_stop_even_with_a_full_mailbox() -> None:
    seen = [0]
    async with ActorSystem() as system:
        actor = system.spawn(Counting, seen)
        await system.started(actor)
        for _ in range(10_000):
            actor.tell(Tick())
        await system.stop_actor(actor)
        assert seen == [0]
        assert system.statistics().dead_letters == {"stopped": 10_000}


async def test_blocked_senders_get_equal_shares() -> None:
    class Slow(Actor[Note], mailbox=Mailbox(4)):
        def __init__(self, got: dict[str, int]) -> None:
            self.got = got

        @on(Note)
        async def note(self, m: Note) -> None:
            await checkpoint()
            self.got[m.tag] = self.got.get(m.tag, 0) + 1

    got: dict[str, int] = {}

    async def send(tag: str) -> None:
        while sum(got.values()) < 2000:
            await slow.offer(Note(tag))

    async with ActorSystem() as system:
        slow = system.spawn(Slow, got)
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(send, str(number))
    assert min(got.values()) >= 0.8 * 2000 / 20


class Steps(Actor[Note]):
    """Says in which order it was started and stopped."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_start(self) -> None:
        self.log.append(f"+{self.ctx.name}")

    async def on_stop(self, reason: Exit) -> None:
        await checkpoint()
        self.log.append(f"-{self.ctx.name}")

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def test_a_cancelled_host_stops_everything_in_order() -> None:
    for steps in range(12):
        log: list[str] = []
        with anyio.CancelScope() as scope:
            async with ActorSystem() as system, anyio.create_task_group() as group:

                async def cancel(scope: anyio.CancelScope = scope, steps: int = steps) -> None:
                    await settle(steps)
                    scope.cancel()

                group.start_soon(cancel)
                for name in "abc":
                    system.named(name).spawn(Steps, log)
                await anyio.sleep_forever()
        started = [entry[1] for entry in log if entry[0] == "+"]
        assert log[len(started) :] == [f"-{name}" for name in reversed(started)]
        assert system.statistics().workers == 0


async def test_the_total_deadline_cuts_off_what_still_runs() -> None:
    class Stuck(Actor[Enter], shutdown=float("inf")):
        def __init__(self, gate: Gate) -> None:
            self.gate = gate

        async def on_stop(self, reason: Exit) -> None:
            self.gate.log.append("stopping")
            await anyio.sleep_forever()

        @on(Enter)
        async def enter(self, m: Enter) -> str:
            self.gate.entered.set()
            await self.gate.open.wait()
            return ""

    gate = Gate()
    async with ActorSystem(shutdown=0.01) as system:
        stuck = system.spawn(Stuck, gate)
        stuck.tell(Enter())
        await gate.entered.wait()
    assert gate.log == ["stopping"]
    assert system.statistics().cut_off == 1


async def test_native_cancellation_of_workers_loses_nothing(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("only asyncio lets anybody cancel a task")
    async with ActorSystem() as system:
        account = system.spawn(Account, 1)
        assert await account.ask(Balance()) == 1
        await settle()
        for _ in range(50):
            for task in asyncio.all_tasks():
                if "Worker.run" in task.get_name():
                    task.cancel()
            account.tell(Deposit(1))
            await settle(3)
        assert await account.ask(Balance()) == 51


async def test_native_cancellation_at_any_step_leaves_the_system_working(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("only asyncio lets anybody cancel a task")
    for steps in range(3, 25):  # a task that is cancelled before it began cannot be helped
        log: list[str] = []
        async with ActorSystem(intensity=(1000, 1.0)) as system:
            parent = system.spawn(Rearing, log)
            parent.tell(Note("crash"))
            await settle(steps)
            for task in asyncio.all_tasks():
                if "Worker.run" in task.get_name():
                    task.cancel()
            await settle()
            assert await system.spawn(Account, 1).ask(Balance()) == 1
            with anyio.fail_after(5):
                await system.stop()
        assert system.statistics().workers == 0


class Rearing(Actor[Note], intensity=(1000, 1.0)):
    """Has children that take their time."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_start(self) -> None:
        for name in "abc":
            self.ctx.named(name).spawn(Steps, self.log)
        await checkpoint()

    @on(Note)
    async def note(self, m: Note) -> None:
        await checkpoint()
        raise ValueError(m.tag)


async def test_a_worker_cancelled_natively_in_a_handler_is_a_crash(anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("only asyncio lets anybody cancel a task")
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.spawn(Porter, gate)
        async with background(porter.ask, Enter("x")) as asked:
            await gate.entered.wait()
            for task in asyncio.all_tasks():
                if "Worker.run" in task.get_name():
                    task.cancel()
        assert "crashed" in str(asked.error)
        gate.open.set()
        assert await porter.ask(Enter("y")) == "y"


async def test_backoff_waits_before_the_restart() -> None:
    async with ActorSystem() as system:
        patient = Backoff(initial=0.1, jitter=0)
        account = system.named("a", backoff=patient).spawn(Account, 1)
        account.tell(Boom())
        await settle()
        assert system.info(account).state == "down"
        assert await account.ask(Balance()) == 1


async def test_asks_inside_handlers_inherit_the_deadline() -> None:
    gate = Gate()
    async with ActorSystem() as system:
        porter = system.spawn(Porter, gate)

        class Middle(Actor[Enter]):
            @on(Enter)
            async def enter(self, m: Enter) -> str:
                return await porter.ask(Enter("inner"))

        middle = system.spawn(Middle)
        with pytest.raises(TimeoutError):
            await middle.ask(Enter("outer"), timeout=0.002)
        await settle()
        assert gate.log == ["enter inner", "cut inner"]
        gate.open.set()
        assert await middle.ask(Enter("outer")) == "inner"


async def test_concurrent_handlers_overlap_and_still_count() -> None:
    class Library(Actor[Enter | Note]):
        def __init__(self, gate: Gate, inside: list[int]) -> None:
            self.gate = gate
            self.inside = inside

        @on(Enter, concurrent=True)
        async def enter(self, m: Enter) -> str:
            self.inside[0] += 1
            await self.gate.open.wait()
            return m.tag

        @on(Note)
        async def note(self, m: Note) -> None:
            self.gate.open.set()

    gate, inside = Gate(), [0]
    async with ActorSystem() as system:
        library = system.spawn(Library, gate, inside)
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(library.ask, Enter(str(number)))
            await settle()
            assert inside == [3]
            library.tell(Note("open"))
        assert system.info(library).handled == 4


async def test_a_crash_cuts_concurrent_turns_off() -> None:
    class Library(Actor[Enter | Boom]):
        def __init__(self, gate: Gate) -> None:
            self.gate = gate

        @on(Enter, concurrent=True)
        async def enter(self, m: Enter) -> str:
            self.gate.entered.set()
            await self.gate.open.wait()
            return m.tag

        @on(Boom)
        async def boom(self, m: Boom) -> int:
            raise ValueError

    gate = Gate()
    async with ActorSystem() as system:
        library = system.spawn(Library, gate)
        async with background(library.ask, Enter("x")) as asked:
            await gate.entered.wait()
            library.tell(Boom())
        assert type(asked.error).__name__ == "Crashed"
        statistics: Any = system.statistics()
        assert (statistics.cut_off, statistics.restarts) == (1, 1)


async def test_an_asker_that_leaves_cuts_a_concurrent_turn_off_with_the_tasks_in_it() -> None:
    class Library(Actor[Enter]):
        def __init__(self, gate: Gate) -> None:
            self.gate = gate

        @on(Enter, concurrent=True, cancel="caller")
        async def enter(self, m: Enter) -> str:
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(self.gate.open.wait)
                    self.gate.entered.set()
            finally:
                with anyio.CancelScope(shield=True):
                    await checkpoint()
                self.gate.log.append(f"cut {m.tag}")
            return m.tag

    gate = Gate()
    async with ActorSystem() as system:
        library = system.spawn(Library, gate)
        async with background(library.ask, Enter("x")) as asked:
            await gate.entered.wait()
            asked.cancel()
        await settle()
        assert gate.log == ["cut x"]
        statistics: Any = system.statistics()
        assert (statistics.cut_off, statistics.restarts, statistics.handled) == (1, 0, 1)
        gate.open.set()
        assert await library.ask(Enter("y")) == "y"


@attrs.frozen
class Leave(Message):
    pass


class Returning(Actor[Leave | Enter], restart="permanent", shutdown=0.005):
    """Stops itself, is restarted, and must not feel the limit of that stop."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @on(Leave)
    async def leave(self, m: Leave) -> None:
        self.ctx.stop()
        await checkpoint()

    @on(Enter)
    async def enter(self, m: Enter) -> str:
        self.gate.entered.set()
        await self.gate.open.wait()
        return m.tag


async def test_the_limit_of_a_stop_does_not_reach_the_next_incarnation() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        returning = system.spawn(Returning, gate)
        returning.tell(Leave())
        async with background(returning.ask, Enter("x")) as asked:
            await gate.entered.wait()
            with anyio.move_on_after(0.02):
                await anyio.sleep_forever()
            gate.open.set()
        assert asked.value == "x"
        assert system.info(returning).incarnation == 1
