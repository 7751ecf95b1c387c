"""A small busy system to look at: a café with guests, a slow printer and a cook who drops plates."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs

from actors._actor import Actor
from actors._crowd import dynamic, pool
from actors._mailbox import Mailbox
from actors._messages import Message, Request
from actors._pool import smallest_mailbox
from actors._protocol import on
from actors._ref import Ref
from actors._supervisor import Supervisor, child
from actors._system import ActorSystem
from actors.errors import AskTimeout, Crashed, DeliveryError
from actors.top._serve import serve


@attrs.frozen
class Order(Request[str]):
    """A guest wants a dish."""

    dish: str


@attrs.frozen
class Prepare(Request[str]):
    """The counter wants a dish from the kitchen."""

    dish: str


@attrs.frozen
class Print(Message):
    """A line for the till roll."""

    line: str


@attrs.frozen
class Visit(Message):
    """A guest comes in."""


@attrs.frozen
class Arrive(Message):
    """The door opens."""


class Cook(Actor[Prepare]):
    """Takes its time, and now and then drops a plate."""

    @on(Prepare)
    async def prepare(self, m: Prepare) -> str:
        """Cook."""
        await anyio.sleep(random.uniform(0.2, 1.5))
        if random.random() < 0.06:
            raise RuntimeError("dropped the plate")
        return f"{m.dish}, done"


class Printer(Actor[Print], mailbox=Mailbox(16, on_full="drop_oldest")):
    """Slower than what it is asked to print."""

    @on(Print)
    async def print_line(self, m: Print) -> None:
        """Print."""
        await anyio.sleep(0.4)


class Counter(Actor[Order], mailbox=Mailbox(64)):
    """Takes several orders at the same time."""

    def __init__(self, kitchen: Ref[Prepare], printer: Ref[Print]) -> None:
        self.kitchen = kitchen
        self.printer = printer

    @on(Order, concurrent=True)
    async def order(self, m: Order) -> str:
        """Have it made, print it twice."""
        dish = await self.kitchen.ask(Prepare(m.dish), timeout=6)
        self.printer.tell(Print(dish))
        self.printer.tell(Print(f"copy of {dish}"))
        return dish


class Guest(Actor[Visit]):
    """Orders, waits, leaves."""

    def __init__(self, counter: Ref[Order]) -> None:
        self.counter = counter

    async def on_start(self) -> None:
        """Come in."""
        self.ctx.self.tell(Visit())

    @on(Visit)
    async def visit(self, m: Visit) -> None:
        """Have something, or leave without."""
        try:
            await self.counter.ask(Order(random.choice(("soup", "bread", "tea"))), timeout=8)
            await anyio.sleep(random.uniform(0.5, 3))
        except (AskTimeout, Crashed, DeliveryError):
            pass
        self.ctx.stop()


class Cafe(Supervisor, intensity=(50, 10.0)):
    """Everything in the house."""

    printer = child(Printer)()
    kitchen = pool(child(Cook)(), 3, route=smallest_mailbox, intensity=(50, 10.0))
    counter = child(Counter)(kitchen, printer)
    guests = dynamic(child(Guest, restart="temporary"), children_max=40)


class Door(Actor[Arrive]):
    """Lets a guest in every now and then."""

    def __init__(self, cafe: Cafe) -> None:
        self.cafe = cafe

    async def on_start(self) -> None:
        """Open."""
        self.ctx.every(0.4, Arrive())

    @on(Arrive)
    async def arrive(self, m: Arrive) -> None:
        """Let one in, if there is a place."""
        if len(self.cafe.guests) < 40:
            self.cafe.guests.spawn(self.cafe.counter)


@asynccontextmanager
async def demo(path: Path) -> AsyncIterator[Path]:
    """Run the café and show it at ``path``."""
    async with ActorSystem("demo", shutdown=1.0) as system, serve(system, path):
        cafe = system.named("cafe").supervise(Cafe)
        system.named("door").spawn(Door, cafe)
        yield path
