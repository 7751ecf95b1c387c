"""Pools, dynamic children, entities that passivate, the registry and groups, timers and pipes."""

from collections import Counter
from typing import Any

import anyio
import attrs
import pytest

from actors import (
    Actor,
    ActorSystem,
    DeadLetter,
    Exit,
    Key,
    MailboxFull,
    Message,
    Request,
    Supervisor,
    Terminated,
    broadcast,
    by_key,
    child,
    dynamic,
    late,
    on,
    pool,
    shared,
    smallest_mailbox,
)
from tests.actors.bank import Account, Balance, Boom, Deposit, Enter, Gate, Note, Porter
from tests.actors.moments import background, settle

pytestmark = pytest.mark.anyio


@attrs.frozen
class Who(Request[str]):
    key: str = ""
    wait: Gate | None = shared(default=None)  # noqa: RUF009 - it is a field specifier


class Worker(Actor[Who | Note]):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    @on(Who)
    async def who(self, m: Who) -> str:
        if m.wait is not None:
            await m.wait.open.wait()
        return self.ctx.name

    @on(Note)
    async def note(self, m: Note) -> None:
        self.log.append(f"{self.ctx.name} {m.tag}")


class Shop(Supervisor):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    turns = pool(child(Worker)(late(lambda shop: shop.log)), 3)
    least = pool(child(Worker)(late(lambda shop: shop.log)), 3, route=smallest_mailbox)
    keyed = pool(child(Worker)(late(lambda shop: shop.log)), 3, route=by_key(lambda m: m.key))
    everyone = pool(child(Worker)(late(lambda shop: shop.log)), 3, route=broadcast)
    jobs = dynamic(child(Account, restart="temporary"), children_max=2)


async def test_routes_of_pools() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        shop = system.supervise(Shop, log)
        assert [await shop.turns.ask(Who()) for _ in range(6)] == ["1", "2", "3"] * 2
        names = {key: {await shop.keyed.ask(Who(key)) for _ in range(3)} for key in "abcdef"}
        assert all(len(found) == 1 for found in names.values())
        assert len({name for found in names.values() for name in found}) > 1
        shop.everyone.tell(Note("hear"))
        await shop.everyone.offer(Note("again"))
        await settle()
        assert Counter(log) == {f"{n} {tag}": 1 for n in "123" for tag in ("hear", "again")}
        with pytest.raises(ValueError, match="3 members"):
            await shop.everyone.ask(Who())


async def test_the_smallest_mailbox_goes_round_the_busy_one() -> None:
    async with ActorSystem() as system:
        shop, gate = system.supervise(Shop, []), Gate()
        await settle()
        async with background(shop.least.ask, Who("", gate)) as busy:
            await settle()
            names = [await shop.least.ask(Who()) for _ in range(6)]
            gate.open.set()
        # Which one is busy depends on who had started; the others share the rest.
        assert {*names, busy.value} == {"1", "2", "3"}
        assert busy.value not in names


async def test_a_pool_member_is_restarted_in_its_place() -> None:
    class Weak(Supervisor):
        accounts = pool(child(Account)(5), 2)

    async with ActorSystem() as system:
        weak = system.supervise(Weak)
        weak.accounts.tell(Deposit(1))
        weak.accounts.tell(Boom())
        assert [await weak.accounts.ask(Balance()) for _ in range(4)] == [6, 5, 6, 5]
        (tree,) = system.tree().children
        (members,) = tree.children
        assert [member.restarts for member in members.children] == [0, 1]


async def test_dynamic_children_are_bounded_and_found_by_name() -> None:
    async with ActorSystem() as system:
        shop = system.supervise(Shop, [])
        first = shop.jobs.named("first").spawn(1)
        assert shop.jobs.get("first") == first
        assert shop.jobs.at("first", 9) == first
        second = shop.jobs.at("second", 2)
        assert len(shop.jobs) == 2
        with pytest.raises(MailboxFull):
            shop.jobs.spawn(3)
        assert await second.ask(Balance()) == 2
        second.tell(Boom())
        await settle()
        assert shop.jobs.get("second") is None


class Sleepy(Actor[Note], idle_timeout=0.002):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_stop(self, reason: Exit) -> None:
        self.log.append(reason.kind)

    @on(Note)
    async def note(self, m: Note) -> None:
        self.log.append(m.tag)


async def test_an_idle_actor_is_passivated() -> None:
    class Home(Supervisor):
        people = dynamic(child(Sleepy))

    async with ActorSystem() as system:
        home, log = system.supervise(Home), []
        home.people.at("ann", log).tell(Note("hello"))
        while "idle" not in log:
            await anyio.lowlevel.checkpoint()
        await settle()
        assert home.people.get("ann") is None
        home.people.at("ann", log).tell(Note("again"))
        await settle()
        assert log[:3] == ["hello", "idle", "again"]


@attrs.frozen
class Bye(Message):
    pass


class Leaving(Actor[Bye]):
    @on(Bye)
    async def bye(self, m: Bye) -> None:
        self.ctx.stop()


async def test_a_significant_child_takes_its_supervisor_along() -> None:
    class House(Supervisor, restart="transient"):
        other = child(Account)()
        owner = child(Leaving, restart="transient", significant=True)()

    async with ActorSystem() as system:
        house = system.supervise(House)
        house.owner.tell(Bye())
        await settle(20)
        assert system.tree().children == ()


async def test_a_permanent_child_that_stops_itself_is_restarted() -> None:
    class House(Supervisor):
        owner = child(Leaving)()

    async with ActorSystem() as system:
        owner = system.supervise(House).owner
        owner.tell(Bye())
        await settle(20)
        assert system.info(owner).state == "running"
        assert system.info(owner).restarts == 1


async def test_the_registry_and_groups_forget_what_stopped() -> None:
    bank: Key[Balance | Deposit] = Key("bank")
    async with ActorSystem() as system:
        one, two = system.spawn(Account, 1), system.spawn(Account, 2)
        registry = system.registry
        registry.register(bank, one)
        found = registry.lookup(bank)
        assert found is not None
        assert await found.ask(Balance()) == 1
        with pytest.raises(ValueError, match="bank"):
            registry.register(bank, two)
        registry.join(bank, two)
        registry.join(bank, one)
        registry.join(bank, two)
        assert registry.members(bank) == (two, one)
        await system.stop_actor(one)
        assert registry.lookup(bank) is None
        assert registry.members(bank) == (two,)
        registry.leave(bank, two)
        assert registry.members(bank) == ()
        registry.register(bank, two)
        registry.unregister(bank)
        assert registry.lookup(bank) is None


async def test_the_event_stream_reaches_actors_and_functions() -> None:
    class Listener(Actor[DeadLetter]):
        def __init__(self, log: list[Any]) -> None:
            self.log = log

        @on(DeadLetter)
        async def letter(self, m: DeadLetter) -> None:
            self.log.append(m.message)

    async with ActorSystem() as system:
        log: list[Any] = []
        system.subscribe(DeadLetter, system.spawn(Listener, log))
        account = system.spawn(Account)
        await system.stop_actor(account)
        account.tell(Deposit(3))
        await settle()
        assert log == [Deposit(3)]
        heard: list[str] = []
        with system.subscribe(str, heard.append):
            system.publish("one")
        system.publish("two")
        assert heard == ["one"]


@attrs.frozen
class Outcome(Message):
    text: str


@attrs.frozen
class Work(Message):
    text: str
    gate: Gate = shared()  # noqa: RUF009 - it is a field specifier


class Piping(Actor[Work | Outcome | Boom | Bye]):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    @on(Work)
    async def work(self, m: Work) -> None:
        async def wait() -> str:
            try:
                await m.gate.open.wait()
            except BaseException:
                self.log.append(f"cut {m.text}")
                raise
            if m.text == "bad":
                raise ValueError(m.text)
            return m.text

        self.ctx.pipe(wait, Outcome, lambda error: Outcome(repr(error)))

    @on(Outcome)
    async def outcome(self, m: Outcome) -> None:
        self.log.append(m.text)

    @on(Boom)
    async def boom(self, m: Boom) -> int:
        raise ValueError

    @on(Bye)
    async def bye(self, m: Bye) -> None:
        async def fail() -> None:
            raise ValueError

        self.ctx.pipe(fail(), lambda _: Bye())


async def test_pipes_bring_their_outcome_back_as_a_message() -> None:
    async with ActorSystem() as system:
        log: list[str] = []
        piping, one, two = system.spawn(Piping, log), Gate(), Gate()
        for text, gate in (("slow", one), ("bad", two), ("good", two)):
            piping.tell(Work(text, gate))
        await settle()
        two.open.set()
        await settle()
        assert sorted(log) == ["ValueError('bad')", "good"]
        piping.tell(Boom())
        await settle()
        assert log[-1] == "cut slow"
        piping.tell(Bye())
        await settle()
        assert system.info(piping).restarts == 2


@attrs.frozen
class Beat(Message):
    number: int


class Clocked(Actor[Beat | Bye]):
    def __init__(self, log: list[int]) -> None:
        self.log = log

    async def on_start(self) -> None:
        self.ctx.every(0.001, Beat(1), key="beat")
        self.ctx.after(0.001, Beat(2), key="once")
        self.ctx.after(0.001, Beat(3), key="once")
        never = self.ctx.after(0.001, Beat(4))
        assert self.ctx.cancel_timer(never)
        assert not self.ctx.cancel_timer(never)

    @on(Beat)
    async def beat(self, m: Beat) -> None:
        self.log.append(m.number)
        if self.log.count(1) == 3:
            self.ctx.cancel_timer("beat")

    @on(Bye)
    async def bye(self, m: Bye) -> None: ...


async def test_timers_repeat_are_replaced_by_key_and_cancelled() -> None:
    async with ActorSystem() as system:
        log: list[int] = []
        system.spawn(Clocked, log)
        while len(log) < 4:
            await anyio.lowlevel.checkpoint()
        with anyio.move_on_after(0.005):  # nothing more may come
            await anyio.sleep_forever()
        assert sorted(log) == [1, 1, 1, 3]


async def test_stop_child_returns_when_it_is_gone() -> None:
    class Parent(Actor[Who | Terminated]):
        def __init__(self, gate: Gate) -> None:
            self.gate = gate

        @on(Who)
        async def who(self, m: Who) -> str:
            porter = self.ctx.spawn(Porter, self.gate)
            self.ctx.watch(porter)
            porter.tell(Enter("x"))
            await self.gate.entered.wait()
            self.gate.open.set()
            await self.ctx.stop_child(porter)
            return ",".join(self.gate.log)

        @on(Terminated)
        async def gone(self, m: Terminated) -> None:
            self.gate.log.append(f"gone {m.reason.kind}")

    async with ActorSystem() as system:
        gate = Gate()
        parent = system.spawn(Parent, gate)
        assert await parent.ask(Who()) == "enter x,left x"
        await settle()
        assert gate.log[-1] == "gone shutdown"
