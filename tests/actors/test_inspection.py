"""Looking at a running system: info, tree, trace, suspend, snapshot, telemetry, carried context."""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import attrs
import pytest

from actors import (
    Actor,
    ActorSystem,
    Crashed,
    Exit,
    Message,
    NotRunning,
    Ref,
    Reject,
    Reply,
    Request,
    on,
    shared,
)
from tests.actors.bank import Account, Balance, Boom, Deposit, Enter, Gate, Note, Porter, Withdraw
from tests.actors.moments import background, settle

pytestmark = pytest.mark.anyio


async def test_info_tells_what_a_suspended_handler_is_at() -> None:
    async with ActorSystem("s") as system:
        gate = Gate()
        porter = system.named("porter").spawn(Porter, gate)

        class Asking(Actor[Enter]):
            @on(Enter)
            async def enter(self, m: Enter) -> str:
                return await porter.ask(Enter("inner"))

        asking = system.named("asking").spawn(Asking)
        async with background(asking.ask, Enter("outer")):
            await gate.entered.wait()
            porter.tell(Note("waits"))
            info = system.info(asking)
            assert info.current == Enter("outer")
            assert info.waiting_on == ("s/porter",)
            assert system.info(porter).mailbox_depth == 1
            gate.open.set()
        assert system.info(asking).current is None
        tree = system.tree()
        assert [(node.path, node.kind) for node in tree.children] == [
            ("s/porter", "Porter"),
            ("s/asking", "Asking"),
        ]


async def test_a_trace_collects_outcomes_while_it_lasts() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account, 1)
        async with system.trace(account) as records:
            account.tell(Deposit(1))
            with pytest.raises(Reject):
                await account.ask(Withdraw(9))
            with pytest.raises(Crashed):
                await account.ask(Boom())
        await account.ask(Balance())
        assert [(record.message, record.outcome) for record in records] == [
            (Deposit(1), "handled"),
            (Withdraw(9), "rejected"),
            (Boom(), "crashed"),
        ]


async def test_a_suspended_actor_keeps_its_messages_and_can_be_stopped() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account, 1)
        await system.started(account)
        system.suspend(account)
        async with background(account.ask, Balance()) as asked:
            await settle()
            assert asked.value is None
            assert system.info(account).state == "suspended"
            system.resume(account)
        assert asked.value == 1
        system.suspend(account)
        async with background(account.ask, Balance()) as refused:
            await settle()
            await system.stop_actor(account)
        assert isinstance(refused.error, NotRunning)


class Open(Actor[Note]):
    def __init__(self) -> None:
        self.tags: tuple[str, ...] = ()

    def snapshot(self) -> tuple[str, ...]:
        return self.tags

    @on(Note)
    async def note(self, m: Note) -> None:
        self.tags += (m.tag,)


async def test_a_snapshot_is_opt_in() -> None:
    async with ActorSystem() as system:
        actor, account = system.spawn(Open), system.spawn(Account)
        actor.tell(Note("a"))
        await settle()
        assert await system.snapshot(actor) == ("a",)
        with pytest.raises(AttributeError):
            await system.snapshot(account)
        await system.stop_actor(actor)
        with pytest.raises(NotRunning):
            await system.snapshot(actor)


USER: contextvars.ContextVar[str] = contextvars.ContextVar("user")
OTHER: contextvars.ContextVar[str] = contextvars.ContextVar("other")


class Asked(Actor[Enter]):
    def __init__(self, log: list[str], following: Ref[Enter] | None = None) -> None:
        self.log = log
        self.following = following

    @on(Enter)
    async def enter(self, m: Enter) -> str:
        self.log.append(f"{USER.get('nobody')} {OTHER.get('nothing')}")
        if self.following is not None:
            self.following.tell(m)
        return m.tag


async def test_only_the_listed_context_travels() -> None:
    async with ActorSystem(carry=(USER,)) as system:
        log: list[str] = []
        last = system.spawn(Asked, log)
        first = system.spawn(Asked, log, last)
        OTHER.set("secret")
        await first.ask(Enter())
        USER.set("ann")
        await first.ask(Enter())
        USER.set("bob")
        first.tell(Enter())
        await first.offer(Enter())
        await settle()
        assert sorted(log) == ["ann nothing"] * 2 + ["bob nothing"] * 4 + ["nobody nothing"] * 2


async def test_a_told_message_with_carried_context_can_be_deferred() -> None:
    class Later(Actor[Enter]):
        @on(Enter)
        async def enter(self, m: Enter) -> Reply[str]:
            to = self.ctx.defer(m)
            to.reply(USER.get())
            return to

    async with ActorSystem(carry=(USER,)) as system:
        later = system.spawn(Later)
        USER.set("ann")
        later.tell(Enter())
        assert await later.ask(Enter()) == "ann"
        assert system.info(later).handled == 2


SPAN: contextvars.ContextVar[str] = contextvars.ContextVar("span", default="host")


class Spans:
    """A telemetry that notes spans as (handled, sender's span, asked)."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bool]] = []

    def sent(self, path: str, message: Any, asked: bool) -> str:
        return SPAN.get()

    @contextmanager
    def handling(self, path: str, message: Any, token: Any, asked: bool, waited_s: float) -> Iterator[None]:
        assert waited_s >= 0
        self.seen.append((path, token, asked))
        SPAN.set(path)
        yield


async def test_telemetry_links_each_handling_to_its_sender() -> None:
    spans = Spans()
    async with ActorSystem("s", telemetry=spans) as system:
        last = system.named("last").spawn(Asked, [])
        first = system.named("first").spawn(Asked, [], last)
        await first.ask(Enter())
        await settle()
    assert spans.seen == [("s/first", "host", True), ("s/last", "s/first", False)]


@attrs.frozen
class Where(Request[int]):
    deep: bool = False


@attrs.frozen
class Stuck(Message):
    event: threading.Event = shared()  # noqa: RUF009 - it is a field specifier


class Blocking(Actor[Where | Stuck], threaded=True, shutdown=0.01):
    def __init__(self, threads: list[int]) -> None:
        self.threads = threads
        threads.append(threading.get_ident())

    async def on_start(self) -> None:
        self.threads.append(threading.get_ident())

    async def on_stop(self, reason: Exit) -> None:
        self.threads.append(threading.get_ident())

    @on(Where)
    async def where(self, m: Where) -> int:
        self.threads.append(threading.get_ident())
        if m.deep:
            await anyio.lowlevel.checkpoint()
        return int(self.ctx.in_loop(threading.get_ident))

    @on(Stuck)
    async def stuck(self, m: Stuck) -> None:
        m.event.wait()


async def test_a_threaded_actor_runs_in_one_thread_of_its_own() -> None:
    threads: list[int] = []
    async with ActorSystem() as system:
        blocking = system.spawn(Blocking, threads)
        assert await blocking.ask(Where()) == threading.get_ident()
        await system.stop_actor(blocking)
        assert len(threads) == 4
        assert len(set(threads)) == 1
        assert threading.get_ident() not in threads


async def test_a_threaded_actor_cannot_await_the_event_loop() -> None:
    async with ActorSystem() as system:
        blocking = system.spawn(Blocking, [])
        with pytest.raises(Crashed) as caught:
            await blocking.ask(Where(deep=True))
        assert "in_loop" in str(caught.value.__cause__)
        assert await blocking.ask(Where()) == threading.get_ident()


async def test_a_stuck_thread_does_not_hold_up_a_stop() -> None:
    event = threading.Event()
    async with ActorSystem() as system:
        blocking = system.spawn(Blocking, [])
        blocking.tell(Stuck(event))
        await settle()
        await system.stop_actor(blocking)
    event.set()


async def test_run_blocking_leaves_the_loop_free() -> None:
    class Waiting(Actor[Stuck]):
        @on(Stuck)
        async def stuck(self, m: Stuck) -> None:
            await self.ctx.run_blocking(m.event.wait)

    async with ActorSystem(threads_max=1) as system:
        waiting, account, event = system.spawn(Waiting), system.spawn(Account, 3), threading.Event()
        waiting.tell(Stuck(event))
        assert await account.ask(Balance()) == 3
        event.set()
        await system.stop()
        assert system.statistics().handled == 2
