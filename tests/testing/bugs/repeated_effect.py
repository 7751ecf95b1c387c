"""A retry after a lost reply does the thing again."""

import attrs

from actors import Actor, ReplyError, Request, on
from actors.testing import Faults, Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Charge(Request[None]):
    order: int
    cents: int


class Bank:
    def __init__(self) -> None:
        self.charged: list[int] = []
        self.orders: set[int] = set()


class Again(Actor[Charge], intensity=(99, 1.0)):
    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    @on(Charge)
    async def charge(self, m: Charge) -> None:
        self.bank.charged.append(m.cents)
        await steps(2)


class ByOrder(Again):
    @on(Charge)
    async def charge(self, m: Charge) -> None:
        if m.order not in self.bank.orders:
            self.bank.orders.add(m.order)
            self.bank.charged.append(m.cents)
        await steps(2)


async def program(sim: Simulation, kind: type[Again]) -> None:
    bank = Bank()
    till = sim.system.named("till", restart="permanent").spawn(kind, bank)
    for order in range(2):
        while True:
            try:
                await till.ask(Charge(order, 100), timeout=1)
            except ReplyError:
                continue
            break
    assert bank.charged == [100, 100]


BUG = Bug(
    "repeated_effect",
    "a retry that is not idempotent repeats its effect",
    lambda sim: program(sim, Again),
    lambda sim: program(sim, ByOrder),
    Faults(crash=["till"]),
)
