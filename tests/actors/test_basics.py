"""The main road: tell, ask, offer, supervision, stop."""

import anyio
import pytest

import actors
from actors import ActorSystem, Crashed, DeadLetter, NotRunning, Supervisor, child, dynamic, late
from tests.actors.bank import Account, Balance, Boom, Deposit, Overdrawn, Withdraw

pytestmark = pytest.mark.anyio


def test_all_is_sorted_and_complete() -> None:
    assert actors.__all__ == sorted(actors.__all__)
    assert all(hasattr(actors, name) for name in actors.__all__)


async def test_tell_and_ask() -> None:
    async with ActorSystem("bank") as system:
        account = system.spawn(Account, opening=500)
        account.tell(Deposit(100))
        assert await account.ask(Balance()) == 600
        assert await account.ask(Withdraw(100), timeout=5) == 500
        with pytest.raises(Overdrawn):
            await account.ask(Withdraw(5000))
        await account.offer(Deposit(1))
        assert await account.ask(Balance()) == 501


async def test_a_crash_restarts_in_the_same_ref() -> None:
    async with ActorSystem("bank") as system:
        account = system.spawn(Account, 7)
        account.tell(Deposit(1))
        with pytest.raises(Crashed) as caught:
            await account.ask(Boom("bad"))
        assert isinstance(caught.value.__cause__, ValueError)
        assert await account.ask(Balance()) == 7
        assert system.info(account).restarts == 1


class Bank(Supervisor, strategy="rest_for_one"):
    def __init__(self, opening: int) -> None:
        self.opening = opening

    first = child(Account)(late(lambda bank: bank.opening))
    second = child(Account)(opening=2)
    crowd = dynamic(child(Account, restart="temporary"))


async def test_a_declared_tree() -> None:
    async with ActorSystem("bank") as system:
        bank = system.supervise(Bank, 42)
        assert await bank.first.ask(Balance()) == 42
        assert bank.second.path == "bank/bank-2/second"
        job = bank.crowd.spawn(3)
        bank.second.tell(Deposit(10))
        assert await bank.second.ask(Balance()) == 12
        system.kill(bank.first)
        assert await bank.first.ask(Balance()) == 42
        assert await bank.second.ask(Balance()) == 2
        with pytest.raises(NotRunning):
            await job.ask(Balance())


async def test_giving_up_reaches_the_host_as_a_group() -> None:
    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012 - leaving the block raises
        async with ActorSystem("bank", intensity=(1, 5.0)) as system:
            account = system.spawn(Account)
            account.tell(Boom("one"))
            account.tell(Boom("two"))
            await anyio.sleep_forever()
    (error,) = caught.value.exceptions
    assert isinstance(error, actors.RestartLimit)
    assert isinstance(error.__cause__, ValueError)
    notes = "\n".join(error.__notes__)
    assert "bank/account-2" in notes
    assert "two" in notes
    assert "restarts of bank/account-2: 1" in notes


async def test_the_hosts_own_exception_stays_itself() -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - leaving the block raises
        async with ActorSystem("bank") as system:
            system.spawn(Account)
            raise KeyError("mine")


async def test_after_the_block_everything_is_a_dead_letter() -> None:
    letters: list[DeadLetter] = []
    async with ActorSystem("bank") as system:
        account = system.spawn(Account)
        system.subscribe(DeadLetter, letters.append)
    account.tell(Deposit(1))
    with pytest.raises(NotRunning):
        await account.ask(Balance())
    with pytest.raises(NotRunning):
        await account.ask(Balance(), timeout=1)
    assert [letter.reason for letter in letters] == ["stopped"] * 3
