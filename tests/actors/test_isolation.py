"""Nobody reaches an actor's instance, and what a handler sets in its context stays there."""

import contextvars
from typing import Any

import anyio
import attrs
import pytest

from actors import Actor, ActorSystem, Crashed, Request, Supervisor, child, on
from tests.actors.bank import Account, Balance, Boom, Deposit
from tests.actors.moments import settle

pytestmark = pytest.mark.anyio

MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="clean")


def reachable(start: Any, depth: int = 12) -> list[Any]:
    """Every object that attributes and containers lead to, functions' insides excepted."""
    seen: dict[int, Any] = {}
    level = [start]
    for _ in range(depth):
        following: list[Any] = []
        for thing in level:
            if id(thing) in seen or isinstance(thing, type | str | int | float | bytes):
                continue
            seen[id(thing)] = thing
            if isinstance(thing, dict):
                following.extend([*thing.keys(), *thing.values()])
            elif isinstance(thing, list | tuple | set | frozenset):
                following.extend(thing)
            names = [*getattr(thing, "__dict__", ()), *slots(type(thing))]
            following.extend(getattr(thing, name, None) for name in names)
        level = following
    return list(seen.values())


def slots(cls: type[Any]) -> list[str]:
    return [name for base in cls.__mro__ for name in getattr(base, "__slots__", ())]


class Tree(Supervisor):
    account = child(Account)(1)


async def test_no_attribute_leads_to_an_instance() -> None:
    async with ActorSystem() as system:
        account = system.spawn(Account, 500)
        account.tell(Deposit(1))
        tree = system.supervise(Tree)
        assert await account.ask(Balance()) == 501
        assert await tree.account.ask(Balance()) == 1
        crashed: list[Any] = []
        try:
            await account.ask(Boom())
        except Crashed as error:
            crashed.append(error)
        found = reachable([account, tree, system, crashed])
        assert account._cell in found
        assert not [thing for thing in found if isinstance(thing, Account)]


@attrs.frozen
class Mark(Request[str]):
    text: str
    wait: bool = False


class Marker(Actor[Mark]):
    @on(Mark)
    async def mark(self, m: Mark) -> str:
        before = MARK.get()
        MARK.set(m.text)
        if m.wait:
            await anyio.lowlevel.checkpoint()
            assert MARK.get() == m.text
        return before


async def test_context_variables_belong_to_one_message() -> None:
    async with ActorSystem() as system:
        one, two = system.spawn(Marker), system.spawn(Marker)
        MARK.set("host")
        for wait in (False, True, False):
            for marker in (one, two, one):
                assert await marker.ask(Mark("dirty", wait)) == "clean"
        assert MARK.get() == "host"


async def test_tasks_inside_a_handler_see_what_it_set() -> None:
    class Nursery(Actor[Mark]):
        @on(Mark)
        async def mark(self, m: Mark) -> str:
            MARK.set(m.text)
            seen: list[str] = []

            async def look() -> None:
                seen.append(MARK.get())

            async with anyio.create_task_group() as group:
                group.start_soon(look)
            with anyio.fail_after(5):
                await anyio.lowlevel.checkpoint()
            return seen[0]

    async with ActorSystem() as system:
        nursery = system.spawn(Nursery)
        for text in ("one", "two"):
            assert await nursery.ask(Mark(text)) == text
        await settle()
