"""First come, first served: also where a state postpones what it does not handle."""

from enum import Enum, auto

import anyio.lowlevel
import attrs
import pytest

from actors import Actor, Message, Request, _states, on
from actors._cell import Cell
from actors.testing import Faults, InvariantBroken, Simulation, World
from actors.testing._schedule import Backend
from actors.testing._simulate import Exploration, Finding

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class Link(Enum):
    DOWN = auto()
    UP = auto()


@attrs.frozen
class Connect(Message):
    pass


@attrs.frozen
class Send(Message):
    n: int


@attrs.frozen
class Sent(Request[list[int]]):
    pass


class Session(Actor[Connect | Send | Sent], states=Link, default="postpone", intensity=(99, 1.0)):
    def __init__(self) -> None:
        self.sent: list[int] = []

    @on(Connect, state=Link.DOWN)
    async def connect(self, m: Connect) -> None:
        await anyio.lowlevel.checkpoint()
        self.become(Link.UP)

    @on(Send, state=Link.UP)
    async def send(self, m: Send) -> None:
        self.sent.append(m.n)
        if m.n % 3 == 2:
            self.become(Link.DOWN)

    @on(Sent, state=Link.UP)
    async def tell_sent(self, m: Sent) -> list[int]:
        return self.sent


async def program(sim: Simulation) -> None:
    session = sim.spawn(Session)
    for number in range(4):
        session.tell(Send(number))
    for number in range(3):
        session.tell(Connect())
        await anyio.lowlevel.checkpoint()
        session.tell(Send(4 + number))
    session.tell(Connect())
    assert sorted(await session.ask(Sent())) == [*range(7)]


def explored(backend: Backend, faults: Faults | None = None) -> Finding | None:
    world = World(faults=faults or Faults())
    return Exploration(world, 40, (backend,), shrink=False).explore(program, own_system=True)


@both
def test_who_postpones_keeps_the_order_that_its_states_allow(backend: Backend) -> None:
    finding = explored(backend)
    assert finding is None, finding.report()


@both
def test_a_postponed_message_that_is_overtaken_is_noticed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(cell: Cell) -> None:
        stash, cell.stash = cell.stash, None
        if stash and cell.queue is not None:
            cell.queue.extendleft(stash)

    monkeypatch.setattr(_states, "unstash", backwards)
    finding = explored(backend)
    assert finding is not None
    assert isinstance(finding.shortest.error, InvariantBroken)
    assert "after one that was sent later in a state (UP) that handles it" in str(finding.shortest.error)


@both
def test_a_new_message_that_overtakes_a_postponed_one_is_noticed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behind(cell: Cell) -> None:
        stash, cell.stash = cell.stash, None
        if stash and cell.queue is not None:
            cell.queue.extend(stash)

    monkeypatch.setattr(_states, "unstash", behind)
    finding = explored(backend)
    assert finding is not None
    assert isinstance(finding.shortest.error, InvariantBroken | AssertionError)


@both
def test_crashes_do_not_make_it_complain(backend: Backend) -> None:
    async def survivors(sim: Simulation) -> None:
        session = sim.spawn(Session)
        for number in range(6):
            session.tell(Send(number))
            session.tell(Connect())
        await sim.settle()

    world = World(faults=Faults(crash=True, rate=0.3))
    found = Exploration(world, 40, (backend,)).explore(survivors, own_system=True)
    assert found is None, found.report()
