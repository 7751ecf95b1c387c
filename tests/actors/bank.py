"""A small cast of actors for the tests."""

import anyio
import attrs

from actors import Actor, Mailbox, Message, Reject, Reply, Request, on


@attrs.frozen
class Deposit(Message):
    cents: int


@attrs.frozen
class Balance(Request[int]):
    pass


@attrs.frozen
class Withdraw(Request[int]):
    cents: int


@attrs.frozen
class Boom(Request[int]):
    text: str = "boom"


class Overdrawn(Reject):
    pass


class Account(Actor[Deposit | Balance | Withdraw | Boom], intensity=(1000, 1.0)):
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
            raise Overdrawn(f"{self.cents} is less than {m.cents}")
        self.cents -= m.cents
        return self.cents

    @on(Boom)
    async def boom(self, m: Boom) -> int:
        raise ValueError(m.text)


@attrs.frozen
class Enter(Request[str]):
    """Waits in the handler until the gate opens."""

    tag: str = ""


@attrs.frozen
class Note(Message):
    tag: str


@attrs.frozen
class Later(Request[str]):
    pass


class Gate:
    """What the host uses to see and steer a Porter: events, and a log."""

    def __init__(self) -> None:
        self.entered = anyio.Event()
        self.open = anyio.Event()
        self.log: list[str] = []


class Porter(Actor[Enter | Note | Later | Boom], mailbox=Mailbox(4)):
    """Waits where the test wants it to wait, and writes down what happens."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.promise: Reply[str] | None = None

    @on(Enter)
    async def enter(self, m: Enter) -> str:
        self.gate.log.append(f"enter {m.tag}")
        self.gate.entered.set()
        try:
            await self.gate.open.wait()
        except BaseException:
            self.gate.log.append(f"cut {m.tag}")
            raise
        self.gate.log.append(f"left {m.tag}")
        return m.tag

    @on(Note)
    async def note(self, m: Note) -> None:
        self.gate.log.append(m.tag)

    @on(Later)
    async def later(self, m: Later) -> Reply[str]:
        self.promise = self.ctx.defer(m)
        return self.promise

    @on(Boom)
    async def boom(self, m: Boom) -> int:
        raise ValueError(m.text)
