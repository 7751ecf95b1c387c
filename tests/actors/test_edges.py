"""The edges: deadlines of zero, two systems, hooks that ask, listeners that raise, stopping twice."""

import anyio
import pytest

from actors import (
    Actor,
    ActorSystem,
    AskTimeout,
    DeadLetter,
    NotRunning,
    Ref,
    RestartLimit,
    StartFailed,
    Supervisor,
    child,
    on,
)
from tests.actors.bank import Account, Balance, Deposit, Enter, Gate, Note, Porter
from tests.actors.moments import settle

pytestmark = pytest.mark.anyio


async def test_a_timeout_of_zero_takes_a_reply_that_is_there_at_once_or_none() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        porter = system.spawn(Porter, gate)
        with pytest.raises(AskTimeout):
            await porter.ask(Enter("x"), timeout=0)
        await settle()
        gate.open.set()
        assert await porter.ask(Enter("y"), timeout=5) == "y"


async def test_an_ask_in_a_cancelled_scope_is_cancelled() -> None:
    async with ActorSystem() as system:
        gate = Gate()
        gate.open.set()
        porter = system.spawn(Porter, gate)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await porter.ask(Enter("x"))
        assert scope.cancelled_caught


class Forwarding(Actor[Enter]):
    def __init__(self, account: Ref[Balance | Deposit]) -> None:
        self.account = account
        self.opening = -1

    async def on_start(self) -> None:
        self.opening = await self.account.ask(Balance())

    @on(Enter)
    async def enter(self, m: Enter) -> str:
        return str(self.opening)


async def test_a_start_hook_may_ask_a_sibling() -> None:
    class Pair(Supervisor):
        account = child(Account)(7)
        forwarding = child(Forwarding)(account)

    async with ActorSystem() as system:
        assert await system.supervise(Pair).forwarding.ask(Enter()) == "7"


async def test_two_systems_ask_each_other() -> None:
    async with ActorSystem("one") as one, ActorSystem("two") as two:
        account = one.spawn(Account, 5)
        forwarding = two.spawn(Forwarding, account)
        assert await forwarding.ask(Enter()) == "5"
        await one.stop()
        with pytest.raises(NotRunning):
            await account.ask(Balance())
        assert await forwarding.ask(Enter()) == "5"


class Broken(Actor[Note]):
    def __init__(self) -> None:
        raise KeyError("constructor")

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def test_a_constructor_that_raises_is_a_failed_start() -> None:
    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - leaving the block raises
        async with ActorSystem() as system:
            broken = system.spawn(Broken)
            with pytest.raises(NotRunning):
                await system.started(broken)
            await anyio.sleep_forever()
    (limit,) = caught.value.exceptions
    assert isinstance(limit, RestartLimit)
    assert isinstance(limit.__cause__, StartFailed)
    assert isinstance(limit.__cause__.__cause__, KeyError)


async def test_a_listener_that_raises_fails_the_system() -> None:
    def listen(letter: DeadLetter) -> None:
        raise KeyError("listener")

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - leaving the block raises
        async with ActorSystem() as system:
            account = system.spawn(Account)
            system.subscribe(DeadLetter, listen)
            await system.stop_actor(account)
            account.tell(Deposit(1))
            await anyio.sleep_forever()
    assert isinstance(caught.value.exceptions[0], KeyError)


async def test_a_system_is_entered_once_and_stopped_twice() -> None:
    system = ActorSystem()
    with pytest.raises(RuntimeError, match="enter"):
        system.spawn(Account)
    async with system:
        await system.stop()
        await system.stop()
    with pytest.raises(RuntimeError, match="once"):
        async with system:
            pass


async def test_a_handler_cannot_wait_for_its_systems_stop() -> None:
    class Stopping(Actor[Enter]):
        @on(Enter)
        async def enter(self, m: Enter) -> str:
            try:
                await self.ctx.system.stop()
            except RuntimeError as error:
                return str(error)
            return ""

    async with ActorSystem() as system:
        assert "its own system" in await system.spawn(Stopping).ask(Enter())
