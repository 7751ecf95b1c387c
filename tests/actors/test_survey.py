"""Looking at all actors at once: what each is at and for how long, and who is left out."""

from contextvars import ContextVar

import anyio
import attrs
import pytest

from actors import Actor, ActorSystem, Hooks, Ref, Request, on
from tests.actors.bank import Account, Balance, Deposit, Enter, Gate, Note, Porter
from tests.actors.moments import background, settle

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_it_tells_how_long_a_suspended_handler_has_been_at_its_message() -> None:
    clock = Clock()
    async with ActorSystem("s", hooks=Hooks(clock=clock)) as system:
        gate = Gate()
        porter = system.named("porter").spawn(Porter, gate)
        async with background(porter.ask, Enter("a")):
            await gate.entered.wait()
            clock.now += 7.5
            (_, info) = system.survey()
            assert (info.kind, info.current, info.current_s) == ("Porter", Enter("a"), 7.5)
            assert info == system.info(porter)
            gate.open.set()
        assert system.info(porter).current_s is None


@attrs.frozen
class Read(Request[str]):
    tag: str


class Reader(Actor[Read]):
    def __init__(self, porter: Ref[Enter]) -> None:
        self.porter = porter

    @on(Read, concurrent=True)
    async def read(self, m: Read) -> str:
        return await self.porter.ask(Enter(m.tag))


async def test_of_concurrent_handlers_it_tells_the_oldest_and_each_wait_once() -> None:
    clock = Clock()
    async with ActorSystem("s", hooks=Hooks(clock=clock)) as system:
        gate = Gate()
        porter = system.named("porter").spawn(Porter, gate)
        reader = system.named("reader").spawn(Reader, porter)
        async with background(reader.ask, Read("first")):
            await gate.entered.wait()
            clock.now += 2
            async with background(reader.ask, Read("second")):
                await settle()
                info = system.info(reader)
                assert (info.current, info.current_s) == (Read("first"), 2.0)
                assert info.waiting_on == ("s/porter",)
                gate.open.set()


async def test_the_age_of_the_oldest_message_is_known_where_messages_are_stamped() -> None:
    clock = Clock()
    user: ContextVar[str] = ContextVar("user")
    async with (
        ActorSystem("stamped", hooks=Hooks(clock=clock), carry=(user,)) as stamped,
        ActorSystem("plain", hooks=Hooks(clock=clock)) as plain,
    ):
        for system, expected in ((stamped, 3.0), (plain, None)):
            account = system.spawn(Account)
            await system.started(account)
            assert system.info(account).oldest_s is None
            system.suspend(account)
            account.tell(Deposit(1))
            clock.now += 3
            account.tell(Deposit(1))
            assert system.info(account).oldest_s == expected
            assert system.info(account).mailbox_depth == 2
            system.resume(account)


async def test_of_too_many_it_shows_the_busiest_and_those_above_them() -> None:
    class Parent(Actor[Note]):
        async def on_start(self) -> None:
            for number in range(20):
                self.ctx.named(f"child-{number}").spawn(Account)
            busy = self.ctx.named("busy").spawn(Account)
            self.ctx.system.suspend(busy)
            busy.tell(Deposit(1))

        @on(Note)
        async def note(self, m: Note) -> None: ...

    async with ActorSystem("s") as system:
        parent = system.named("parent").spawn(Parent)
        await system.started(parent)
        assert [info.path for info in system.survey(limit=1)] == ["s", "s/parent", "s/parent/busy"]
        assert len(system.survey()) == 23
        with anyio.fail_after(5):
            assert await system.spawn(Account, 5).ask(Balance()) == 5


async def test_a_system_that_was_not_entered_can_be_looked_at() -> None:
    system = ActorSystem("s")
    (info,) = system.survey()
    assert (info.path, info.state, info.oldest_s) == (system.tree().path, "down", None)
    async with system:
        assert system.survey()[0].state == "running"
