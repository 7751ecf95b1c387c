"""What Hypothesis draws: scripts and worlds that shrink together, machines with async rules, contracts."""

from typing import Any, ClassVar

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from actors import Actor, Message, Ref, Reject, Request, on
from actors.testing import Faults, Model, Schedule, World, simulate
from actors.testing.hypothesis import (
    ActorStateMachine,
    check_actor,
    faults,
    messages,
    protocol,
    schedules,
    worlds,
)
from tests.testing.bugs.catalogue import BUGS

LOST_UPDATE = next(bug for bug in BUGS if bug.name == "lost_update")


@attrs.frozen
class Deposit(Message):
    cents: int


@attrs.frozen
class Balance(Request[int]):
    pass


@attrs.frozen
class Withdraw(Request[int]):
    cents: int


class Overdrawn(Reject): ...


class Account(Actor[Deposit | Balance | Withdraw], intensity=(99, 1.0)):
    def __init__(self, opening: int = 0) -> None:
        self.cents = opening

    @on(Deposit)
    async def deposit(self, m: Deposit) -> None:
        self.cents += m.cents

    @on(Balance)
    async def balance(self, m: Balance) -> int:
        return self.cents

    @on(Withdraw)
    async def withdraw(self, m: Withdraw) -> int:
        if m.cents > self.cents:
            raise Overdrawn("too little")
        self.cents -= m.cents
        return self.cents


class Careless(Account):
    """Withdraws in two steps, and lets them overlap."""

    @on(Withdraw, concurrent=True)
    async def withdraw(self, m: Withdraw) -> int:
        if m.cents > self.cents:
            raise Overdrawn("too little")
        left = self.cents - m.cents
        await anyio.lowlevel.checkpoint()
        self.cents = left
        return left


class AccountModel(Model[int]):
    def initial(self) -> int:
        return 0

    def apply(self, state: int, message: Any) -> tuple[int, Any]:
        if isinstance(message, Deposit):
            return state + message.cents, None
        if isinstance(message, Withdraw):
            if message.cents > state:
                raise Overdrawn("too little")
            return state - message.cents, state - message.cents
        return state, state


quick = settings(max_examples=40, deadline=None)


@quick
@given(script=messages(Account), world=worlds(crash=True, delay=True))
def test_account_is_sequentially_explained(script: list[Any], world: World) -> None:
    with simulate(world) as sim:
        account = sim.spawn(Account, opening=0)
        outcome = sim.run(script, to=account, senders=3)
        assert outcome.explained_by(AccountModel)
        assert outcome.lost == []


def test_what_is_not_linearizable_is_found_and_shrinks_with_its_script() -> None:
    kept: list[tuple[list[Any], World]] = []

    @settings(max_examples=500, deadline=None, database=None, derandomize=True)
    @given(script=messages(Careless), world=worlds())
    def law(script: list[Any], world: World) -> None:
        with simulate(world) as sim:
            outcome = sim.run(script, to=sim.spawn(Careless), senders=3)
            if not outcome.explained_by(AccountModel):
                kept.append((script, world))
                raise AssertionError("not linearizable")

    with pytest.raises(AssertionError) as caught:
        law()
    script, world = kept[-1]
    assert len(script) <= 4
    assert world.backend == "asyncio"
    assert "Schedule.parse" in "".join(caught.value.__notes__)


def test_a_drawn_schedule_shrinks_to_few_deviations_and_tells_them() -> None:
    kept: list[World] = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(world=worlds(backends=["asyncio"]))
    def law(world: World) -> None:
        try:
            with simulate(world) as sim:
                sim.run(lambda: LOST_UPDATE.buggy(sim.inside))
        except AssertionError:
            kept.append(world)
            raise

    with pytest.raises(AssertionError) as caught:
        law()
    told = "".join(caught.value.__notes__)
    assert kept[-1].schedule.most is not None
    assert 0 < kept[-1].schedule.most <= 12
    assert f"  {kept[-1].schedule.most}. " in told
    assert f"  {kept[-1].schedule.most + 1}. " not in told
    assert "main → system/" in told
    assert "to shorten it" in told


@quick
@given(world=worlds(crash=True, full=["worker"]), drawn=faults(torn=True), schedule=schedules("pct"))
def test_worlds_have_what_was_asked_for(world: World, drawn: Faults, schedule: Schedule) -> None:
    assert not world.faults.cancel
    assert world.faults.full in (False, ("worker",))
    assert not drawn.crash
    assert Schedule.parse(schedule.token) == schedule


def test_scripts_come_from_the_protocol() -> None:
    assert protocol(Account) == (Deposit, Balance, Withdraw)
    narrow = messages(Account, {Deposit: st.nothing(), Withdraw: st.just(Withdraw(1))}, min_size=1)

    @quick
    @given(script=narrow)
    def law(script: list[Any]) -> None:
        assert {*script} <= {Balance(), Withdraw(1)}

    law()


class Teller(ActorStateMachine):
    """Compares the account with a number."""

    world = worlds(delay=True)
    kind: type[Account] = Account
    account: Ref[Deposit | Balance | Withdraw]

    async def begin(self) -> None:
        self.account = self.sim.inside.spawn(self.kind)
        self.cents = 0

    @rule(cents=st.integers(0, 100))
    async def deposit(self, cents: int) -> None:
        self.account.tell(Deposit(cents))
        self.cents += cents

    @rule(cents=st.integers(0, 100))
    async def withdraw(self, cents: int) -> None:
        try:
            await self.account.ask(Withdraw(cents))
        except Overdrawn:
            assert cents > self.cents
        else:
            self.cents -= cents

    @rule()
    def pass_time(self) -> None:
        self.sim.advance(3600)

    @invariant()
    async def same(self) -> None:
        assert await self.account.ask(Balance()) == self.cents


def test_a_state_machine_with_async_rules() -> None:
    run_state_machine_as_test(
        Teller, settings=settings(max_examples=25, deadline=None, stateful_step_count=10)
    )


class Forgetful(Account):
    @on(Deposit)
    async def deposit(self, m: Deposit) -> None:
        if m.cents < 50:
            self.cents += m.cents


class Mistaken(Teller):
    kind = Forgetful


def test_a_state_machine_finds_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Mistaken,
            settings=settings(
                max_examples=60,
                deadline=None,
                database=None,
                derandomize=True,
                stateful_step_count=6,
            ),
        )


def test_the_contract_holds_for_an_account() -> None:
    check_actor(Account, opening=0, model=AccountModel, max_examples=30)


class Wrong(Account):
    @on(Balance)
    async def balance(self, m: Balance) -> int:
        return str(self.cents)  # type: ignore[return-value]  # that is the point


class Sharing(Account):
    total: ClassVar[list[int]] = []

    @on(Deposit)
    async def deposit(self, m: Deposit) -> None:
        self.total.append(m.cents)
        self.cents = sum(self.total)


class Crashing(Account):
    @on(Withdraw)
    async def withdraw(self, m: Withdraw) -> int:
        return 100 // max(m.cents, 0)


@pytest.mark.parametrize(
    ("actor", "says"),
    [(Wrong, "answered with"), (Sharing, "unlike a new one"), (Crashing, "ZeroDivisionError")],
)
def test_the_contract_finds(actor: type[Account], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_actor(actor)
