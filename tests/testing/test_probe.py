"""Probes expect, fish, watch and answer, in a simulation and on the real event loops."""

import attrs
import pytest

from actors import Actor, ActorSystem, Message, Ref, Request, Terminated, on
from actors.testing import Probe, Simulation, simulate


@attrs.frozen
class Order(Message):
    count: int
    customer: "Ref[Receipt | Price]"


@attrs.frozen
class Receipt(Message):
    number: int


@attrs.frozen
class Price(Request[int]):
    pass


@attrs.frozen
class Close(Message):
    pass


class Shop(Actor[Order | Close]):
    @on(Order)
    async def order(self, m: Order) -> None:
        for number in range(m.count):
            m.customer.tell(Receipt(number))
        if not m.count:
            m.customer.tell(Receipt(await m.customer.ask(Price())))

    @on(Close)
    async def close(self, m: Close) -> None:
        self.ctx.stop()


@simulate(schedules=30)
async def test_a_probe_in_a_simulation(sim: Simulation) -> None:
    shop, probe = sim.spawn(Shop), sim.probe()
    await probe.expect_none(within=3600)
    shop.tell(Order(3, probe.ref))
    assert (await probe.expect(Receipt)).number == 0
    assert (await probe.fish(Receipt, where=lambda receipt: receipt.number == 2)).number == 2
    with pytest.raises(AssertionError, match="no Receipt within 5 s"):
        await probe.expect(Receipt, within=5)
    shop.tell(Order(0, probe.ref))
    price = await probe.expect(Price)
    probe.reply(price, 7)
    with pytest.raises(ValueError, match="nobody waits"):
        probe.reply(price, 8)
    assert await probe.expect(Receipt) == Receipt(7)
    await probe.watch(shop)
    shop.tell(Close())
    assert (await probe.expect(Terminated)).ref == shop


@pytest.mark.anyio
async def test_a_probe_on_the_real_event_loops() -> None:
    async with ActorSystem() as system:
        shop, probe = system.spawn(Shop), Probe(system)
        shop.tell(Order(1, probe.ref))
        assert await probe.expect(Receipt, within=30) == Receipt(0)
        await probe.expect_none()
        shop.tell(Order(1, probe.ref))
        with pytest.raises(AssertionError, match="expected Price, got Receipt"):
            await probe.expect(Price, within=30)
        shop.tell(Order(1, probe.ref))
        with pytest.raises(AssertionError, match="expected nothing"):
            await probe.expect_none()
        with pytest.raises(AssertionError, match="no such Price"):
            await probe.fish(Price, within=0)
        assert probe.messages == ()
