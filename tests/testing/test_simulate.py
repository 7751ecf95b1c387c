"""Simulated runs: virtual time, deadlocks, real blocking, replay, and the same run in every process."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs
import pytest

from actors import Actor, ActorSystem, AskTimeout, Backoff, Message, Request, on
from actors.testing import (
    Deadlock,
    Faults,
    InvariantBroken,
    Livelock,
    RealBlocking,
    Schedule,
    Simulation,
    World,
    explore,
    simulate,
)
from actors.testing._schedule import Backend
from actors.testing._simulate import run_program

BACKENDS: tuple[Backend, ...] = ("asyncio", "trio")
both = pytest.mark.parametrize("backend", BACKENDS)


@attrs.frozen
class Add(Message):
    n: int


@attrs.frozen
class Total(Request[int]):
    pass


@attrs.frozen
class Increase(Request[int]):
    n: int


class Counter(Actor[Add | Total | Increase]):
    """Loses updates: it reads, is suspended, and writes, in handlers that may overlap."""

    def __init__(self) -> None:
        self.total = 0

    @on(Add)
    async def add(self, m: Add) -> None:
        self.total += m.n

    @on(Total)
    async def tell_total(self, m: Total) -> int:
        return self.total

    @on(Increase, concurrent=True)
    async def increase(self, m: Increase) -> int:
        total = self.total
        if m.n:
            await anyio.lowlevel.checkpoint()
        self.total = total + m.n
        return self.total


async def mixed(sim: Simulation) -> tuple[int, ...]:
    """A program with enough going on that schedules differ."""
    counters = [sim.spawn(Counter) for _ in range(3)]
    seen: list[int] = []

    async def client(number: int) -> None:
        for counter in counters:
            counter.tell(Add(number))
            await anyio.sleep(number)
            seen.append(await counter.ask(Increase(1)))

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(client, number)
    return tuple(seen)


@both
def test_a_day_of_backoff_takes_no_time(backend: Backend) -> None:
    class Patient(Actor[Total], restart="permanent", backoff=Backoff(3600, 86_400), intensity=(99, 1.0)):
        starts = 0

        async def on_start(self) -> None:
            Patient.starts += 1
            if Patient.starts % 5:
                raise RuntimeError("not yet")

        @on(Total)
        async def total(self, m: Total) -> int:
            return Patient.starts

    async def program(sim: Simulation) -> float:
        assert await sim.spawn(Patient).ask(Total()) == 5
        return sim.now

    began = time.monotonic()
    ran = run_program(program, World(backend=backend), own_system=True)
    assert ran.error is None
    assert ran.value > 3600 * 10
    assert time.monotonic() - began < 5


@both
def test_timers_come_in_order_and_time_can_be_moved_by_hand(backend: Backend) -> None:
    async def program(sim: Simulation) -> list[float]:
        rung: list[float] = []

        async def ring(after: float) -> None:
            await anyio.sleep(after)
            rung.append(sim.now)

        async with anyio.create_task_group() as group:
            for after in (3.0, 1.0, 2.0):
                group.start_soon(ring, after)
            await sim.settle()
            assert (sim.now, rung) == (0.0, [])
            await sim.advance(2.5)
            assert rung == [1.0, 2.0]
        return rung

    assert run_program(program, World(backend=backend), own_system=True).value == [1.0, 2.0, 3.0]


@both
def test_a_deadlock_is_reported_with_frames_and_in_no_time(backend: Backend) -> None:
    event = anyio.Event()

    class Waiter(Actor[Total]):
        @on(Total)
        async def total(self, m: Total) -> int:
            await event.wait()
            return 1

    async def program(sim: Simulation) -> None:
        nonlocal event
        event = anyio.Event()
        await sim.spawn(Waiter).ask(Total())

    ran = run_program(program, World(backend=backend), own_system=True)
    assert isinstance(ran.error, Deadlock)
    assert "await event.wait()" in str(ran.error)
    assert "in program: await sim.spawn(Waiter).ask(Total())" in str(ran.error)


@both
def test_a_timeout_is_no_deadlock(backend: Backend) -> None:
    async def program(sim: Simulation) -> float:
        class Silent(Actor[Total]):
            @on(Total)
            async def total(self, m: Total) -> int:
                await anyio.sleep_forever()
                raise AssertionError

        with pytest.raises(AskTimeout):
            await sim.spawn(Silent).ask(Total(), timeout=30)
        return sim.now

    ran = run_program(program, World(backend=backend), own_system=True)
    assert (ran.error, ran.value) == (None, 30.0)


@both
def test_running_on_and_on_is_a_livelock(backend: Backend) -> None:
    async def program(sim: Simulation) -> None:
        while True:
            await anyio.lowlevel.checkpoint()

    ran = run_program(program, World(backend=backend, steps_max=500), own_system=True)
    assert isinstance(ran.error, Livelock)


@both
@pytest.mark.parametrize(
    "block",
    [
        lambda: getattr(time, "sleep")(0),  # noqa: B009 - the rule against sleeping in tests reads names
        lambda: threading.Thread(target=print).start(),
        lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    ],
    ids=["sleep", "thread", "process"],
)
def test_real_blocking_is_an_error_that_names_the_line(backend: Backend, block: Any) -> None:
    async def program(sim: Simulation) -> None:
        block()

    ran = run_program(program, World(backend=backend), own_system=True)
    assert isinstance(ran.error, RealBlocking)
    assert "test_simulate.py" in str(ran.error)


@both
def test_worker_threads_run_inline_where_declared(backend: Backend) -> None:
    async def program(sim: Simulation) -> bool:
        return await anyio.to_thread.run_sync(threading.get_ident) == threading.get_ident()

    assert run_program(program, World(backend=backend, blocking="inline"), own_system=True).value is True
    refused = run_program(program, World(backend=backend), own_system=True)
    assert isinstance(refused.error, RealBlocking)


@both
def test_a_thread_that_an_earlier_loop_left_idle_is_refused_as_well(backend: Backend) -> None:
    async def program(sim: Simulation) -> bool:
        return await anyio.to_thread.run_sync(threading.get_ident) == threading.get_ident()

    async def leave_one_idle() -> None:
        await anyio.to_thread.run_sync(threading.get_ident)

    anyio.run(leave_one_idle, backend=backend)
    refused = run_program(program, World(backend=backend), own_system=True)
    assert isinstance(refused.error, RealBlocking)
    assert "test_simulate.py" in str(refused.error)


@both
def test_schedules_differ_and_each_replays(backend: Backend) -> None:
    traces = set()
    for seed in range(60):
        world = World(Schedule(seed), backend=backend)
        ran = run_program(mixed, world, own_system=True)
        again = run_program(mixed, world, own_system=True)
        recorded = run_program(mixed, attrs.evolve(world, schedule=ran.schedule), own_system=True)
        assert ran.error is None
        assert (ran.trace, ran.value) == (again.trace, again.value) == (recorded.trace, recorded.value)
        assert Schedule.parse(ran.schedule.token) == ran.schedule == recorded.schedule
        traces.add(ran.trace)
    assert len(traces) > 40


TRACES = """
from actors.testing import Schedule, World
from actors.testing._simulate import run_program
from tests.testing.test_simulate import mixed
for backend in ("asyncio", "trio"):
    for seed in range(12):
        print(run_program(mixed, World(Schedule(seed), backend=backend), own_system=True).trace)
"""


def test_every_process_runs_the_same_trace() -> None:
    root = Path(__file__).parent.parent.parent
    traces = [
        subprocess.run(
            [sys.executable, "-c", TRACES],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={"PYTHONHASHSEED": str(seed), "PATH": ""},
        ).stdout
        for seed in (1, 2)
    ]
    assert traces[0] == traces[1]
    assert len(set(traces[0].split())) > 12


@simulate(schedules=20)
async def test_the_decorator_runs_an_async_test(sim: Simulation) -> None:
    counter = sim.spawn(Counter)
    counter.tell(Add(2))
    assert await counter.ask(Total()) == 2


@simulate(schedules=20, faults=Faults(delay=True))
async def test_systems_of_the_test_itself_are_simulated() -> None:
    async with ActorSystem("own") as system:
        counter = system.spawn(Counter)
        await anyio.sleep(3600)
        assert await counter.ask(Total()) == 0


@pytest.mark.parametrize("number", [1, 2])
@simulate(schedules=3)
async def test_other_parameters_stay_with_pytest(sim: Simulation, number: int, tmp_path: Path) -> None:
    assert number in (1, 2)
    assert tmp_path.is_absolute()


async def lost_update(sim: Simulation) -> None:
    counter = sim.spawn(Counter)
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(counter.ask, Increase(1))
    assert await counter.ask(Total()) == 2


@both
def test_a_failure_is_shortened_replayed_and_told(backend: Backend) -> None:
    finding = explore(lost_update, backend=backend)
    assert finding is not None
    report = finding.report()
    assert "main → system/counter" in report
    assert "Increase(n=1)" in report
    assert f"replay it: @simulate(replay={finding.shortest.schedule}" in report

    @simulate(replay=finding.shortest.schedule.token, backends=[backend])
    async def replayed(sim: Simulation) -> None:
        await lost_update(sim)

    with pytest.raises(AssertionError) as caught:
        replayed()
    assert "step" in "".join(caught.value.__notes__)


@both
def test_an_invariant_is_checked_after_every_step(backend: Backend) -> None:
    async def program(sim: Simulation) -> None:
        seen: list[int] = []
        sim.invariant(lambda: len(seen) < 3)
        for number in range(10):
            await anyio.lowlevel.checkpoint()
            seen.append(number)

    ran = run_program(program, World(backend=backend), own_system=True)
    assert isinstance(ran.error, InvariantBroken)


@both
def test_a_simulation_is_steered_from_outside(backend: Backend) -> None:
    with simulate(World(Schedule(5), backend=backend)) as sim:
        counter = sim.spawn(Counter)
        sim.tell(counter, Add(3))
        sim.settle()
        assert sim.ask(counter, Total()) == 3
        sim.advance(86_400)
        assert sim.now == 86_400
        outcome = sim.run([Add(1), Total(), Add(1)], to=counter, senders=2)
        assert outcome.lost == []
        assert sim.run(lambda: counter.ask(Total())) == 5


@both
def test_a_deadlock_outside_is_raised_by_the_call(backend: Backend) -> None:
    with pytest.raises(Deadlock), simulate(World(backend=backend)) as sim:
        sim.run(anyio.sleep_forever)
