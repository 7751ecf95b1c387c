"""Whoever reads a balance and then withdraws may find another balance."""

import anyio
import attrs

from actors import Actor, Message, Ref, Request, on
from actors.testing import Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Balance(Request[int]):
    pass


@attrs.frozen
class Withdraw(Message):
    cents: int


@attrs.frozen
class WithdrawIfThere(Request[bool]):
    cents: int


class Account(Actor[Balance | Withdraw | WithdrawIfThere]):
    def __init__(self, cents: int) -> None:
        self.cents = cents

    @on(Balance)
    async def balance(self, m: Balance) -> int:
        return self.cents

    @on(Withdraw)
    async def withdraw(self, m: Withdraw) -> None:
        self.cents -= m.cents

    @on(WithdrawIfThere)
    async def withdraw_if_there(self, m: WithdrawIfThere) -> bool:
        enough = self.cents >= m.cents
        if enough:
            self.cents -= m.cents
        return enough


Money = Ref[Balance | Withdraw | WithdrawIfThere]


async def look_first(account: Money) -> None:
    if await account.ask(Balance()) >= 100:
        account.tell(Withdraw(100))


async def at_once(account: Money) -> None:
    await account.ask(WithdrawIfThere(100))


async def program(sim: Simulation, careful: bool) -> None:
    account = sim.spawn(Account, 150)

    async def client(work: int) -> None:
        await steps(work)
        await (at_once(account) if careful else look_first(account))

    async with anyio.create_task_group() as group:
        group.start_soon(client, 0)
        group.start_soon(client, 9)
    assert await account.ask(Balance()) >= 0


BUG = Bug(
    "check_then_act",
    "what was checked in one message has changed at the next",
    lambda sim: program(sim, careful=False),
    lambda sim: program(sim, careful=True),
)
