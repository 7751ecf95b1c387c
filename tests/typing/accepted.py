"""Every line here must type-check; ``assert_type`` holds what is inferred."""

import enum
from collections.abc import AsyncIterator
from typing import assert_type

import attrs

from actors import (
    Actor,
    ActorSystem,
    Context,
    Dynamic,
    Key,
    Mailbox,
    Message,
    Ref,
    Reject,
    Reply,
    Request,
    Stream,
    Supervisor,
    by_key,
    child,
    dynamic,
    late,
    on,
    pool,
)


class Link(enum.Enum):
    UP = 1
    DOWN = 2


@attrs.frozen
class Deposit(Message):
    cents: int


@attrs.frozen
class Balance(Request[int]):
    pass


@attrs.frozen
class Owner(Request[str | None]):
    pass


@attrs.frozen
class Other(Message):
    pass


@attrs.frozen
class Lines(Stream[str]):
    pass


class Overdrawn(Reject): ...


class Reader(Actor[Lines | Deposit]):
    @on(Lines)
    async def lines(self, m: Lines) -> AsyncIterator[str]:
        yield ""

    @on(Deposit, state=(Link.UP, Link.DOWN), concurrent=True, cancel="caller")
    async def deposit(self, m: Deposit) -> None:
        self.become(Link.UP)
        assert_type(await self.ctx.run_blocking(len, "abc"), int)


class Account(Actor[Deposit | Balance | Owner], mailbox=Mailbox(256, on_full="reject")):
    def __init__(self, opening: int, owner: str = "") -> None:
        self.cents = opening
        assert_type(self.ctx, Context[Deposit | Balance | Owner])
        self.ctx.after(1.0, Deposit(1), key="tick")

    @on(Deposit)
    async def deposit(self, m: Deposit) -> None:
        assert_type(self.ctx.self, Ref[Deposit | Balance | Owner])

    @on(Balance)
    async def balance(self, m: Balance) -> int | Reply[int]:
        assert_type(self.ctx.defer(m), Reply[int])
        return self.cents

    @on(Owner)
    async def owner(self, m: Owner) -> Reply[str | None]:
        return self.ctx.defer(m)


class Teller(Actor[Other]):
    def __init__(self, account: Ref[Deposit | Balance]) -> None:
        self.account = account

    @on(Other)
    async def other(self, m: Other) -> None:
        assert_type(await self.account.ask(Balance()), int)

        async def work() -> int:
            return 1

        self.ctx.pipe(work, lambda value: Other(), lambda error: Other())


class Bank(Supervisor, strategy="rest_for_one", intensity=(5, 30.0)):
    def __init__(self, opening: int) -> None:
        self.opening = opening

    account = child(Account, restart="permanent", shutdown=10)(1, owner="me")
    computed = child(Account)(late(lambda bank: bank.opening))
    teller = child(Teller)(account)
    crowd = dynamic(child(Account, restart="temporary"))
    pool = pool(child(Account)(1), 8, route=by_key(lambda m: m))


class World(Supervisor):
    bank = child(Bank)(1)


async def main() -> None:
    async with ActorSystem("bank") as system:
        account = system.spawn(Account, 1, owner="me")
        assert_type(account, Ref[Deposit | Balance | Owner])
        account.tell(Deposit(1))
        await account.offer(Balance())
        assert_type(await account.ask(Balance(), timeout=2), int)
        assert_type(await account.ask(Owner()), str | None)
        narrower: Ref[Deposit] = account
        narrower.tell(Deposit(1))
        named = system.named("ledger", restart="transient", shutdown=1).spawn(Account, 1)
        assert_type(named, Ref[Deposit | Balance | Owner])
        system.spawn(Teller, account)
        bank = system.supervise(Bank, 1)
        assert_type(bank, Bank)
        assert_type(bank.account, Ref[Deposit | Balance | Owner])
        assert_type(bank.teller, Ref[Other])
        assert_type(bank.crowd.spawn(1, owner="you"), Ref[Deposit | Balance | Owner])
        assert_type(await bank.account.ask(Balance()), int)
        assert_type(bank.pool, Ref[Deposit | Balance | Owner])
        assert_type(bank.crowd.at("key", 1), Ref[Deposit | Balance | Owner])
        reader = system.spawn(Reader)
        async with reader.stream(Lines()) as lines:
            async for line in lines:
                assert_type(line, str)
        key: Key[Deposit] = Key("bank")
        system.registry.register(key, account)
        assert_type(system.registry.lookup(key), Ref[Deposit] | None)
        assert_type(system.registry.members(key), tuple[Ref[Deposit], ...])
        world = system.supervise(World)
        assert_type(world.bank.account, Ref[Deposit | Balance | Owner])
        crowd: Dynamic[..., Deposit | Balance | Owner] = bank.crowd
        assert len(crowd) == 1
