"""Each bug of the catalogue is found on both event loops, shortened and replayed; the twins pass."""

import pytest

from actors.testing import Schedule, explore
from actors.testing._schedule import Backend
from actors.testing._shrinking import signature
from actors.testing._simulate import Exploration, Finding, run_program
from actors.testing._world import World
from tests.testing.bugs.bug import Bug
from tests.testing.bugs.catalogue import BUGS

BACKENDS: tuple[Backend, ...] = ("asyncio", "trio")
SCHEDULES = 1000
DEVIATIONS_MAX = 8
#: Of each fixed twin here; ten thousand in the long suites.
SURVIVED = 60

both = pytest.mark.parametrize("backend", BACKENDS)
each = pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])


def find(bug: Bug, backend: Backend) -> Finding:
    finding = explore(bug.buggy, schedules=SCHEDULES, backend=backend, faults=bug.faults)
    assert finding is not None, f"{bug.name} was not found"
    return finding


@both
@each
def test_each_bug_is_found_shortened_and_replayed(bug: Bug, backend: Backend) -> None:
    finding = find(bug, backend)
    assert finding.tried > 1, "the plain order must not show it"
    short = finding.shortest.schedule
    assert len(short.deviations or ()) <= DEVIATIONS_MAX
    replayed = run_program(bug.buggy, World(Schedule.parse(short.token), backend=backend), own_system=True)
    assert signature(replayed.error) == signature(finding.first.error)
    report = finding.report()
    assert f'Schedule.parse("{short.token}")' in report
    assert len(report.splitlines()) < 110


@both
@each
def test_the_fixed_twins_survive(bug: Bug, backend: Backend) -> None:
    world = World(faults=bug.faults)
    found = Exploration(world, SURVIVED, (backend,)).explore(bug.fixed, own_system=True)
    assert found is None, found.report()


def test_verdicts_carry_over_between_the_event_loops() -> None:
    same = total = 0
    for bug in BUGS:
        for seed in range(1, 13):
            verdicts = {
                run_program(bug.buggy, World(Schedule(seed), bug.faults, backend), own_system=True).error
                is None
                for backend in ("asyncio", "trio")
            }
            same += len(verdicts) == 1
            total += 1
    assert same / total > 0.8
