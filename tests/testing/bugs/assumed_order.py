"""Two senders, and a receiver that takes their order for granted."""

import attrs

from actors import Actor, Message, Ref, Reject, Request, on
from actors.testing import Simulation
from tests.testing.bugs.bug import Bug, steps


@attrs.frozen
class Open(Request[None]):
    pass


@attrs.frozen
class Write(Request[None]):
    line: str


@attrs.frozen
class Prepare(Message):
    """To the porter: have the book opened."""


@attrs.frozen
class PrepareNow(Request[None]):
    """The same, and say when it is done."""


class Book(Actor[Open | Write]):
    def __init__(self) -> None:
        self.lines: list[str] | None = None

    @on(Open)
    async def open(self, m: Open) -> None:
        self.lines = []

    @on(Write)
    async def write(self, m: Write) -> None:
        if self.lines is None:
            raise Reject("not open")
        self.lines.append(m.line)


class Porter(Actor[Prepare | PrepareNow]):
    def __init__(self, book: Ref[Open]) -> None:
        self.book = book

    @on(Prepare)
    async def prepare(self, m: Prepare) -> None:
        await self.book.ask(Open())

    @on(PrepareNow)
    async def prepare_now(self, m: PrepareNow) -> None:
        await self.book.ask(Open())


async def buggy(sim: Simulation) -> None:
    book = sim.spawn(Book)
    sim.spawn(Porter, book).tell(Prepare())
    await steps(8)
    await book.ask(Write("one"))


async def fixed(sim: Simulation) -> None:
    book = sim.spawn(Book)
    await sim.spawn(Porter, book).ask(PrepareNow())
    await steps(8)
    await book.ask(Write("one"))


BUG = Bug("assumed_order", "messages of two senders arrive in another order than assumed", buggy, fixed)
