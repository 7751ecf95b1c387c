"""What happens when: the rows about restarts, stops, limits, cycles and names."""

import gc
from typing import Any

import anyio
import attrs
import pytest

from actors import (
    Actor,
    ActorSystem,
    AskCycle,
    AskTimeout,
    Crashed,
    DeadLetter,
    Exit,
    Mailbox,
    Message,
    MutatedMessage,
    NotRunning,
    Ref,
    Reply,
    Request,
    RestartLimit,
    Supervisor,
    Terminated,
    child,
    on,
    shared,
)
from tests.actors.bank import Account, Balance, Boom, Deposit, Enter, Gate, Note, Porter
from tests.actors.moments import background, settle

pytestmark = pytest.mark.anyio


@attrs.frozen
class Call(Request[str]):
    """Ask the next one along the route."""

    route: tuple[Any, ...] = shared()


class Caller(Actor[Call], mailbox=Mailbox(1)):
    @on(Call)
    async def call(self, m: Call) -> str:
        if not m.route:
            return "end"
        head, *rest = m.route
        answer: str = await head.ask(Call(tuple(rest)))
        return answer


async def test_a_cycle_of_asks_is_refused_before_sending() -> None:
    async with ActorSystem("s") as system:
        a = system.named("a").spawn(Caller)
        b = system.named("b").spawn(Caller)
        c = system.named("c").spawn(Caller)
        assert await a.ask(Call((b, c))) == "end"
        with pytest.raises(Crashed) as caught:
            await a.ask(Call((b, c, a)))
        cause = root_cause(caught.value)
        assert isinstance(cause, AskCycle)
        assert cause.cycle == ("s/c", "s/a", "s/b", "s/c")
        assert "s/c → s/a → s/b → s/c" in str(cause)


async def test_an_ask_to_oneself_is_a_cycle() -> None:
    async with ActorSystem("s") as system:
        a = system.named("a").spawn(Caller)
        with pytest.raises(Crashed) as caught:
            await a.ask(Call((a,)))
        cause = root_cause(caught.value)
        assert isinstance(cause, AskCycle)
        assert cause.cycle == ("s/a", "s/a")


def root_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@attrs.frozen
class Push(Request[str]):
    to: Any = shared()  # noqa: RUF009 - it is a field specifier
    gate: Gate = shared()  # noqa: RUF009 - it is a field specifier


class Pusher(Actor[Push | Note], mailbox=Mailbox(1)):
    """Offers to another one; its own mailbox holds one message."""

    @on(Push)
    async def push(self, m: Push) -> str:
        m.gate.entered.set()
        await m.gate.open.wait()
        for tag in ("first", "second"):
            await m.to.offer(Note(tag))
        return "pushed"

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def test_a_cycle_of_waits_for_room_is_refused() -> None:
    async with ActorSystem("s") as system:
        a, b = system.named("a").spawn(Pusher), system.named("b").spawn(Pusher)
        one, two = Gate(), Gate()
        async with background(a.ask, Push(b, one)) as first, background(b.ask, Push(a, two)) as second:
            await one.entered.wait()
            await two.entered.wait()
            one.open.set()
            two.open.set()
        errors = [outcome.error for outcome in (first, second)]
        cycles = [error for error in errors if error and isinstance(root_cause(error), AskCycle)]
        assert len(cycles) == 1


async def test_the_same_name_twice_starts_nothing() -> None:
    async with ActorSystem() as system:
        system.named("one").spawn(Account)
        with pytest.raises(ValueError, match="one"):
            system.named("one").spawn(Account)
        assert system.statistics().actors == 1


class Spawning(Actor[Note]):
    async def on_stop(self, reason: Exit) -> None:
        with pytest.raises(NotRunning):
            self.ctx.spawn(Account)

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def test_spawn_while_stopping_is_refused() -> None:
    async with ActorSystem() as system:
        system.spawn(Spawning)
        await system.stop()
        with pytest.raises(NotRunning):
            system.spawn(Account)
        assert system.statistics().actors == 0
        assert not system._kernel.counters["stop_hooks_failed"]


@attrs.frozen
class Again(Message):
    pass


class Family(Actor[Boom | Again | Terminated]):
    """Spawns two children and a timer at start, and says what happens."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_start(self) -> None:
        for name in ("a", "b"):
            self.ctx.named(name).spawn(Member, self.log)
        self.ctx.after(0.01, Again())
        self.log.append("start")

    async def on_stop(self, reason: Exit) -> None:
        self.log.append(f"stop {reason.kind}")

    @on(Boom)
    async def boom(self, m: Boom) -> int:
        raise ValueError(m.text)

    @on(Again)
    async def again(self, m: Again) -> None:
        self.log.append("again")

    @on(Terminated)
    async def gone(self, m: Terminated) -> None: ...


class Member(Actor[Note]):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def on_stop(self, reason: Exit) -> None:
        self.log.append(f"{self.ctx.name} {reason.kind}")

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def test_a_restart_stops_the_children_in_reverse_and_cancels_timers() -> None:
    log: list[str] = []
    async with ActorSystem() as system:
        family = system.spawn(Family, log)
        family.tell(Boom())
        await settle()
        # On a busy machine the second incarnation's timer may have rung already.
        assert log[:5] == ["start", "b shutdown", "a shutdown", "stop crash", "start"]
        assert system._kernel.root.children is not None
        with anyio.move_on_after(0.05):  # the timer of the first incarnation must not ring
            await anyio.sleep_forever()
        assert log.count("again") == 1


async def test_a_restart_limit_stops_the_children_and_leaves_dead_letters() -> None:
    dead: list[DeadLetter] = []
    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - leaving the block raises
        async with ActorSystem(intensity=(0, 1.0)) as system:
            system.subscribe(DeadLetter, dead.append)
            account = system.spawn(Account)
            account.tell(Boom())
            account.tell(Deposit(7))
            await anyio.sleep_forever()
    assert [type(error) for error in caught.value.exceptions] == [RestartLimit]
    assert [(letter.reason, letter.message) for letter in dead] == [
        ("poison", Boom()),
        ("stopped", Deposit(7)),
    ]


@attrs.frozen
class Foreign(Message):
    pass


class Cancelling(Actor[Foreign | Note]):
    @on(Foreign)
    async def foreign(self, m: Foreign) -> None:
        await anyio.lowlevel.checkpoint()
        raise anyio.get_cancelled_exc_class() from None

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def test_a_foreign_cancellation_is_a_crash(anyio_backend_name: str) -> None:
    if anyio_backend_name == "trio":
        pytest.skip("trio does not let anybody make a Cancelled")
    async with ActorSystem() as system:
        actor = system.spawn(Cancelling)
        actor.tell(Foreign())
        await settle()
        assert system.info(actor).restarts == 1
        assert system.info(actor).state == "running"


class Retrying(Actor[Boom], retry=2, park=True, intensity=(9, 9.0)):
    tries: list[str] = []  # noqa: RUF012 - shared on purpose

    @on(Boom)
    async def boom(self, m: Boom) -> int:
        self.tries.append(m.text)
        raise ValueError(m.text)


async def test_a_poison_message_is_retried_and_parked() -> None:
    Retrying.tries.clear()
    async with ActorSystem(intensity=(9, 9.0)) as system:
        actor = system.spawn(Retrying)
        with pytest.raises(Crashed):
            await actor.ask(Boom("x"))
        assert Retrying.tries == ["x"] * 3
        assert system.parked(actor) == (Boom("x"),)
        statistics = system.statistics()
        assert (statistics.accepted, statistics.dead_letters) == (1, {"poison": 1})


class Late(Actor[Enter], restart_on_cancel=True):
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    @on(Enter, cancel="caller")
    async def enter(self, m: Enter) -> str:
        self.gate.entered.set()
        await self.gate.open.wait()
        return m.tag


async def test_restart_on_cancel_leaves_no_state_of_a_handler_that_was_cut_off() -> None:
    async with ActorSystem() as system:
        actor = system.spawn(Late, Gate())
        with pytest.raises(AskTimeout):
            await actor.ask(Enter(), timeout=0.01)
        await settle()
        assert system.info(actor).restarts == 1


async def test_a_handler_that_is_cut_off_with_its_asker() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        actor = system.spawn(Late, gate)
        async with background(actor.ask, Enter()) as asked:
            await gate.entered.wait()
            asked.cancel()
        await settle()
        assert system.info(actor).cut_off == 1


@attrs.frozen
class Twice(Request[int]):
    pass


class Answering(Actor[Twice]):
    @on(Twice)
    async def twice(self, m: Twice) -> Reply[int]:
        promise = self.ctx.defer(m)
        promise.reply(1)
        promise.reply(2)
        promise.fail(ValueError())
        return promise


async def test_second_replies_are_ignored_and_counted() -> None:
    async with ActorSystem() as system:
        actor = system.spawn(Answering)
        assert await actor.ask(Twice()) == 1
        assert system.statistics().second_replies == 2


class Watcher(Actor[Note | Terminated]):
    def __init__(self, watched: Ref[Any], log: list[Any]) -> None:
        self.watched = watched
        self.log = log

    async def on_start(self) -> None:
        self.ctx.watch(self.watched)

    @on(Note)
    async def note(self, m: Note) -> None: ...

    @on(Terminated)
    async def gone(self, m: Terminated) -> None:
        self.log.append((m.ref, m.reason.kind))


async def test_watchers_are_told_of_the_end_and_not_of_restarts() -> None:
    async with ActorSystem() as system:
        account, log = system.spawn(Account), []
        watcher = system.spawn(Watcher, account, log)
        await system.started(watcher)
        account.tell(Boom())
        await account.ask(Balance())
        assert log == []
        await system.stop_actor(account)
        await settle()
        assert log == [(account, "shutdown")]
        late = system.spawn(Watcher, account, log)
        await system.started(late)
        await settle()
        assert log == [(account, "shutdown")] * 2


@attrs.frozen
class Bag(Message):
    items: list[int] = shared()  # noqa: RUF009 - it is a field specifier


class Meddling(Actor[Bag]):
    @on(Bag)
    async def bag(self, m: Bag) -> None:
        m.items.append(1)


async def test_verify_finds_a_changed_message() -> None:
    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - leaving the block raises
        async with ActorSystem(isolation="verify", intensity=(0, 1.0)) as system:
            system.spawn(Meddling).tell(Bag([]))
            await anyio.sleep_forever()
    assert isinstance(caught.value.exceptions[0].__cause__, MutatedMessage)


async def test_coalesce_and_drop_oldest() -> None:
    class Dropping(Porter, mailbox=Mailbox(2, "drop_oldest")): ...

    class Merging(Porter, mailbox=Mailbox(2, "coalesce", key=lambda m: m.tag[0])): ...

    async with ActorSystem() as system:
        dead: list[Any] = []
        system.subscribe(DeadLetter, lambda letter: dead.append(letter.message.tag))
        for kind, lost, kept in (
            (Dropping, ["a1", "b1"], ["a2", "c1"]),
            (Merging, ["a1", "c1"], ["a2", "b1"]),
        ):
            dead.clear()
            gate = Gate()
            porter = system.spawn(kind, gate)
            porter.tell(Enter("x"))
            await gate.entered.wait()
            for tag in ("a1", "b1", "a2", "c1"):
                porter.tell(Note(tag))
            gate.open.set()
            await settle()
            assert dead == lost
            assert gate.log[2:] == kept


class Nested(Supervisor, intensity=(0, 1.0)):
    inner = child(Account)(1)


class Outer(Supervisor, intensity=(2, 5.0)):
    nested = child(Nested)()
    other = child(Account)(2)


async def test_a_supervisor_that_gives_up_is_restarted_by_the_next_and_refs_stay() -> None:
    async with ActorSystem() as system:
        outer = system.supervise(Outer)
        inner = outer.nested.inner
        other = outer.other
        inner.tell(Deposit(5))
        assert await inner.ask(Balance()) == 6
        with pytest.raises(Crashed):
            await inner.ask(Boom())
        await settle(30)
        assert await inner.ask(Balance()) == 1
        assert await other.ask(Balance()) == 2
        assert outer.nested.inner == inner


async def test_nothing_is_left_for_the_collector() -> None:
    async def life() -> None:
        async with ActorSystem() as system:
            account = system.spawn(Account)
            outer = system.supervise(Outer)
            assert await outer.other.ask(Balance()) == 2
            with pytest.raises(Crashed):
                await account.ask(Boom())

    await life()
    gc.collect()
    gc.disable()
    try:
        await life()
        await settle()
        leftovers = [found for found in gc.get_objects() if isinstance(found, Account | Outer | Nested)]
        assert leftovers == []
    finally:
        gc.enable()


@attrs.frozen
class LastWord(Request[str]):
    """Stop, and say something after that."""


class Brief(Actor[LastWord], restart="temporary", shutdown=0.0):
    """Would be cut off at once if another one stopped it."""

    @on(LastWord)
    async def speak(self, m: LastWord) -> str:
        self.ctx.stop()
        await anyio.lowlevel.checkpoint()
        return "said"


async def test_an_actor_that_stops_itself_ends_its_handler_first() -> None:
    async with ActorSystem("s") as system:
        brief = system.named("brief").spawn(Brief)
        assert await brief.ask(LastWord()) == "said"
