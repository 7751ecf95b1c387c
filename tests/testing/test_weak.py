"""Without trio's own queue the kit still shuffles, by trio's public interface, and says so."""

import anyio
import anyio.lowlevel
import attrs
import pytest

from actors.testing import Deadlock, Schedule, Simulation, World, _trio_loop, explore, simulate
from actors.testing._simulate import Exploration, run_program
from tests.testing.bugs.bug import Bug
from tests.testing.bugs.catalogue import BUGS

SAYS = "weaker shuffle: trio's queue is out of reach"
#: One try in five finds each of these; the others need an order of tasks that nobody chooses here.
FOUND = ("leak_on_cancel", "lost_in_restart", "repeated_effect", "stale_read")
LOST_UPDATE = next(bug for bug in BUGS if bug.name == "lost_update")


@pytest.fixture(autouse=True)
def trio_without_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _trio_loop.queue_is_in_reach()
    monkeypatch.setattr(_trio_loop, "NEEDED", frozenset({"a_name_that_trio_does_not_have"}))
    assert not _trio_loop.queue_is_in_reach()


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in FOUND], ids=lambda bug: bug.name)
def test_it_still_finds_bugs_and_says_that_it_is_weaker(bug: Bug) -> None:
    finding = explore(bug.buggy, backend="trio", faults=bug.faults)
    assert finding is not None
    assert finding.report().count(SAYS) == 2  # at its head and in the chart
    assert finding.first.weak


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_fixed_twins_survive_it(bug: Bug) -> None:
    found = Exploration(World(faults=bug.faults), 20, ("trio",)).explore(bug.fixed, own_system=True)
    assert found is None, found.report()


def test_time_is_virtual_and_a_deadlock_is_told() -> None:
    async def program(sim: Simulation) -> float:
        rung: list[float] = []

        async def ring(after: float) -> None:
            await anyio.sleep(after)
            rung.append(sim.now)

        async with anyio.create_task_group() as group:
            for after in (3600.0, 60.0):
                group.start_soon(ring, after)
            await sim.settle()
            assert rung == []
        await anyio.wait_all_tasks_blocked()
        assert rung == [60.0, 3600.0]
        return sim.now

    assert run_program(program, World(backend="trio"), own_system=True).value == 3600.0
    ran = run_program(lambda _: anyio.sleep_forever(), World(backend="trio"), own_system=True)
    assert isinstance(ran.error, Deadlock)


def test_what_lingers_is_recorded_and_told() -> None:
    async def program(sim: Simulation) -> None:
        for _ in range(20):
            await anyio.lowlevel.checkpoint()

    world = World(Schedule(5), backend="trio")
    ran = run_program(program, world, own_system=True)
    again = run_program(program, attrs.evolve(world, schedule=ran.schedule), own_system=True)
    assert ran.schedule.deviations
    assert all(key.startswith("~linger:main@") for key, _ in ran.schedule.deviations)
    assert again.schedule == ran.schedule
    assert run_program(program, World(backend="trio"), own_system=True).schedule.deviations == ()


def test_asyncio_is_as_it_was() -> None:
    with simulate(World(backend="asyncio")) as sim:
        sim.advance(1)
    assert not explore(LOST_UPDATE.fixed, schedules=5)
    assert not run_program(LOST_UPDATE.fixed, World(), own_system=True).weak
