"""Every line marked ``# E`` must be refused by both type checkers, and no other."""

from collections.abc import AsyncIterator

import attrs

from actors import (
    Actor,
    ActorSystem,
    Key,
    Message,
    Ref,
    Reply,
    Request,
    Stream,
    Supervisor,
    child,
    dynamic,
    on,
)


@attrs.frozen
class Deposit(Message):
    cents: int


@attrs.frozen
class Balance(Request[int]):
    pass


@attrs.frozen
class Other(Request[str]):
    pass


@attrs.frozen
class Lines(Stream[str]):
    pass


class Reader(Actor[Lines]):
    @on(Lines)  # E
    async def wrong_items(self, m: Lines) -> AsyncIterator[int]:
        yield 1

    @on(Lines)  # E
    async def not_a_stream(self, m: Lines) -> str:
        return ""


class Account(Actor[Deposit | Balance]):
    def __init__(self, opening: int) -> None:
        self.ctx.after(1.0, Other())  # E

    @on(Deposit)  # E
    async def returns_something(self, m: Deposit) -> int:
        return 1

    @on(Balance)  # E
    async def wrong_reply(self, m: Balance) -> str:
        return ""

    @on(Balance)  # E
    async def wrong_message(self, m: Deposit) -> int:
        return 1

    @on(Balance)  # E
    async def wrong_promise(self, m: Balance) -> Reply[str]:
        return self.ctx.defer(Other())

    @on(Balance)  # E
    def not_async(self, m: Balance) -> int:
        return 1


class Bank(Supervisor):
    text = child(Account)("one")  # E
    too_many = child(Account)(1, 2)  # E
    nowhere = child(Account, restart="sometimes")(1)  # E
    crowd = dynamic(child(Account))


async def main(
    system: ActorSystem, account: Ref[Deposit | Balance], narrow: Ref[Deposit], reader: Ref[Lines]
) -> None:
    account.tell(Other())  # E
    await account.ask(Other())  # E
    await account.ask(Deposit(1))  # E
    await account.offer(Other())  # E
    text: str = await account.ask(Balance())  # E
    wider: Ref[Deposit | Balance] = narrow  # E
    narrow.tell(Balance())  # E
    system.spawn(Account)  # E
    system.spawn(Account, "one")  # E
    system.spawn(Account, 1, closing=2)  # E
    system.spawn(int)  # E
    system.named("x").spawn(Account, "one")  # E
    bank = system.supervise(Bank)
    bank.crowd.spawn("one")  # E
    bank.nothing.tell(Balance())  # E
    account.stream(Lines())  # E
    await reader.ask(Lines())  # E
    key: Key[Other] = Key("other")
    system.registry.register(key, account)  # E
    print(text, wider)
