"""Asks in a long queue wait for the runner: none waits longer than it may, under any order of the tasks."""

from collections.abc import Callable
from typing import Any

import anyio
import attrs
import pytest

from actors import Actor, ActorSystem, Backoff, Mailbox, Message, Ref, Reply, Request, on
from actors._hooks import Hooks
from actors.testing import simulate

ASKERS = 24
LIMIT_S = 1.0
LATE_S = 0.1
OTHER_ENDS = ("Crashed", "NotRunning", "MailboxFull")


@attrs.frozen
class Turn(Request[int]):
    number: int


class Desk:
    """What happens at which turn, and how long the turns before it are still open."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.open = anyio.Event()
        self.promises: list[Reply[int]] = []


class Clerk(Actor[Turn], mailbox=Mailbox(1000), intensity=(1000, 1.0)):
    """Answers at once."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        return m.number


class Waiting(Clerk):
    """Is suspended at one turn."""

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        if m.number == self.desk.at:
            await self.desk.open.wait()
        return m.number


class Putting(Clerk):
    """Promises all replies from one turn on."""

    @on(Turn)
    async def turn(self, m: Turn) -> int | Reply[int]:
        if m.number < self.desk.at:
            return m.number
        promise = self.ctx.defer(m)
        self.desk.promises.append(promise)
        return promise


class Falling(Clerk, backoff=Backoff(initial=5 * LIMIT_S, jitter=0)):
    """Crashes at one turn, and is away for a long time."""

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        if m.number == self.desk.at:
            self.desk.at = -1
            raise ValueError(m.number)
        return m.number


class Halting(Clerk):
    """Is suspended from outside at one turn."""

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        if m.number == self.desk.at:
            self.ctx.system.suspend(self.ctx.self)
        return m.number


class Full(Waiting, mailbox=Mailbox(6)):
    """Turns many of them away at the door."""


class Dropping(Waiting, mailbox=Mailbox(6, on_full="drop_oldest")):
    """Takes each of them in, and drops many."""


@attrs.frozen
class Linger(Message):
    pass


class Dying(Actor[Turn | Linger], mailbox=Mailbox(1000)):
    """Is killed at one turn, while another handler takes long to end."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def on_start(self) -> None:
        self.ctx.self.tell(Linger())

    @on(Linger, concurrent=True)
    async def linger(self, m: Linger) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(3 * LIMIT_S)

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        if m.number == self.desk.at:
            self.ctx.system.kill(self.ctx.self)
        return m.number


class Leaving(Clerk, restart="temporary"):
    """Stops itself at one turn."""

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        if m.number == self.desk.at:
            self.ctx.stop()
        return m.number


async def crowd(kind: Callable[[Desk], Actor[Any]], at: int, batch: int) -> dict[int, tuple[Any, float]]:
    """Askers with a timeout, within a scope, and without a limit; what each got, and when."""
    desk, ends = Desk(at), {}

    async def ask(clerk: Ref[Turn], number: int) -> None:
        got: Any = "scope"
        # Half of them come while the others wait.
        await anyio.sleep(LATE_S * (number % 2))
        try:
            with anyio.move_on_after(LIMIT_S if number % 3 == 0 else None):
                got = await clerk.ask(Turn(number), timeout=LIMIT_S if number % 3 == 1 else None)
        except Exception as error:  # noqa: BLE001 - looked at below
            got = type(error).__name__
        ends[number] = (got, anyio.current_time() - begun - LATE_S * (number % 2))

    # Hooks of its own: the very code that runs in production, only the order of the tasks is drawn.
    async with ActorSystem("sim", hooks=Hooks()) as system:
        system._kernel.loop.batch_max = batch
        clerk = system.spawn(kind, desk)
        await clerk.ask(Turn(-1))
        begun = anyio.current_time()
        async with anyio.create_task_group() as group:
            for number in range(ASKERS):
                group.start_soon(ask, clerk, number)
            await anyio.sleep(2 * LIMIT_S)
            desk.open.set()
            for promise in desk.promises:
                promise.reply(0)
            if kind is Halting:
                system.resume(clerk)
    statistics: Any = system.statistics()
    dead = sum(statistics.dead_letters.values())
    assert statistics.accepted + statistics.refused == statistics.handled + statistics.expired + dead
    return ends


@pytest.mark.parametrize("kind", [Waiting, Putting, Falling, Halting, Dying, Leaving, Full, Dropping])
@pytest.mark.parametrize("at", [2, 8])
def test_nobody_in_a_throng_waits_longer_than_its_limit(kind: Any, at: int) -> None:
    @simulate(schedules=12, overtake=False, remember=False)
    async def explore() -> None:
        ends = await crowd(kind, at, batch=3)
        assert len(ends) == ASKERS
        for number, (got, after) in ends.items():
            assert after <= LIMIT_S + 1e-6 or number % 3 == 2
            assert got in (number, 0, ("scope", "AskTimeout", number)[number % 3], *OTHER_ENDS)

    explore()


class Echo(Actor[Linger]):
    """Never lets the runner rest."""

    @on(Linger)
    async def linger(self, m: Linger) -> None:
        self.ctx.self.tell(m)


@pytest.mark.anyio
async def test_a_limit_in_a_throng_is_kept_though_the_runner_never_rests() -> None:
    desk, ends = Desk(0), []
    async with ActorSystem() as system:
        clerk = system.spawn(Putting, desk)
        system.spawn(Echo).tell(Linger())

        async def ask(number: int) -> None:
            try:
                await clerk.ask(Turn(number), timeout=0.01)
            except TimeoutError:
                ends.append(number)

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for number in range(ASKERS):
                    group.start_soon(ask, number)
    assert sorted(ends) == list(range(ASKERS))


class Asking(Actor[Turn], restart="temporary"):
    """Passes a turn on to the clerk."""

    def __init__(self, clerk: Ref[Turn]) -> None:
        self.clerk = clerk

    @on(Turn)
    async def turn(self, m: Turn) -> int:
        return await self.clerk.ask(m)


@pytest.mark.anyio
async def test_handlers_that_ask_in_a_throng_are_cut_off_in_time_and_answered() -> None:
    desk = Desk(5)
    async with ActorSystem() as system:
        clerk = system.spawn(Waiting, desk)
        ends: dict[int, Any] = {}

        async def ask(number: int) -> None:
            asking = system.spawn(Asking, clerk)
            try:
                ends[number] = await asking.ask(Turn(number), timeout=0.02 if number % 2 == 0 else None)
            except TimeoutError:
                ends[number] = "timeout"

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for number in range(4 * ASKERS):
                    group.start_soon(ask, number)
                while sum(number % 2 == 0 for number in ends) < 2 * ASKERS:
                    await anyio.lowlevel.checkpoint()
                desk.open.set()
    assert all(ends[number] == number for number in range(1, 4 * ASKERS, 2))
