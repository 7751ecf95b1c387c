"""Every kind of fault happens where it may, and only there; each is in the story."""

import contextlib
from collections.abc import Awaitable, Callable

import anyio
import attrs
import pytest

from actors import Actor, ActorsError, Exit, Mailbox, Message, Request, on
from actors.testing import Faults, InjectedFault, Schedule, Simulation, World, port_faults
from actors.testing._moments import Moment
from actors.testing._run import Ran
from actors.testing._schedule import Backend
from actors.testing._simulate import run_program

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])
OFTEN = 0.6


@attrs.frozen
class Work(Request[int]):
    pass


@attrs.frozen
class Note(Message):
    pass


class Worker(Actor[Work | Note], intensity=(999, 1.0), mailbox=Mailbox(8)):
    def __init__(self) -> None:
        self.done = 0

    async def on_start(self) -> None: ...

    async def on_stop(self, reason: Exit) -> None: ...

    @on(Work)
    async def work(self, m: Work) -> int:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
        self.done += 1
        return self.done

    @on(Note)
    async def note(self, m: Note) -> None: ...


async def program(sim: Simulation) -> list[str]:
    errors = []
    worker = sim.system.named("worker", restart="permanent").spawn(Worker)
    other = sim.system.named("other").spawn(Worker)
    for _ in range(4):
        worker.tell(Note())
        worker.tell(Note())
        assert await other.ask(Work())
        try:
            await worker.ask(Work())
        except ActorsError as error:
            errors.append(type(error).__name__)
    return errors


def happened(ran: Ran) -> set[tuple[str, str]]:
    found: list[Moment] = [moment for moment in ran.moments if moment.kind == "fault"]
    return {(moment.what[0], moment.target) for moment in found}


Program = Callable[[Simulation], Awaitable[object]]


def runs(faults: Faults, backend: Backend, program: Program = program) -> list[Ran]:
    worlds = [World(Schedule(seed), faults, backend) for seed in range(1, 25)]
    return [run_program(program, world, own_system=True) for world in worlds]


@both
@pytest.mark.parametrize(
    ("kind", "errors"),
    [
        ("crash", {"Crashed", "NotRunning"}),
        ("cancel", {"NoReply"}),
        ("delay", set()),
        ("full", {"MailboxFull"}),
        ("start", set()),
        ("stop", set()),
    ],
)
def test_a_kind_of_fault(kind: str, errors: set[str], backend: Backend) -> None:
    wanted = Faults(**{kind: ["worker"]}, rate=OFTEN, most=2)  # type: ignore[arg-type]  # one kind at a time
    ran = runs(wanted, backend)
    assert [one.error for one in ran if one.error is not None] == []
    assert {fault for one in ran for fault in happened(one)} == {(kind, "system/worker")}
    assert all(sum(moment.kind == "fault" for moment in one.moments) <= 2 for one in ran)
    seen = {error for one in ran for error in one.value}
    assert seen <= errors
    assert bool(seen) == bool(errors)


@both
def test_a_delay_takes_virtual_time(backend: Backend) -> None:
    times = [ran.time_s for ran in runs(Faults(delay=True, rate=OFTEN), backend)]
    assert 0.001 < max(times) < 60


class Disk:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    @port_faults("drop", "duplicate", "delay", "torn")
    async def write(self, data: bytes) -> int:
        self.written.append(data)
        return len(data)

    async def size(self) -> int:
        return sum(map(len, self.written))


@both
@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("drop", []),
        ("duplicate", [b"1234", b"1234"]),
        ("torn", [b"12"]),
        ("delay", [b"1234"]),
    ],
)
def test_a_port_that_declares_it_fails(kind: str, written: list[bytes], backend: Backend) -> None:
    async def write(sim: Simulation) -> tuple[list[bytes], float]:
        disk = Disk()
        fragile = sim.fragile(disk, "disk")
        with contextlib.suppress(InjectedFault):
            await fragile.write(b"1234")
        assert await fragile.size() == len(b"".join(disk.written))
        return disk.written, sim.now

    wanted = Faults(**{kind: ["disk"]}, rate=OFTEN)  # type: ignore[arg-type]  # one kind at a time
    ran = runs(wanted, backend, write)
    assert [one.error for one in ran if one.error is not None] == []
    assert written in [one.value[0] for one in ran if happened(one)]
    assert [b"1234"] in [one.value[0] for one in ran]
    if kind == "delay":
        assert max(one.value[1] for one in ran) > 0
