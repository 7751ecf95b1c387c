"""How many schedules, and how many seconds, until each bug shows: plain, by strategy, by Hypothesis."""

import time
from typing import Any

import anyio
import attrs
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings

from actors._hooks import AMBIENT
from actors.testing import Schedule, Simulation, World
from actors.testing._run import Stage
from actors.testing._schedule import Backend, Strategy
from actors.testing._simulate import run_program
from actors.testing._simulation import with_system
from actors.testing.hypothesis import schedules
from tests.testing.bugs.bug import Bug

TRIED_MAX = 1_000


@attrs.frozen
class Hunt:
    """One search.

    Attributes:
        tried: Schedules until the bug showed; None when it did not.
        seconds: CPU seconds until then.
        share: Share of the schedules that show it, where all were run.
    """

    tried: int | None
    seconds: float
    share: float | None = None

    def __str__(self) -> str:
        if self.share is not None:
            return f"{self.share:.1%}"
        return "-" if self.tried is None else f"{self.tried} ({self.seconds:.2f} s)"


class Plain(Simulation):
    """The same face on trio's own scheduler, with trio's mock clock."""

    @property
    def now(self) -> float:
        return anyio.current_time()

    async def settle(self) -> None:
        await trio.testing.wait_all_tasks_blocked()


def plain(bug: Bug, runs: int) -> Hunt:
    """The program as its author would run it: trio's own order, which is random, and no faults."""
    began, failed = time.process_time(), 0
    for _ in range(runs):
        stage = Stage(World())
        sim = Plain(stage)

        async def main(stage: Stage = stage, sim: Plain = sim) -> None:
            _ = AMBIENT.set(attrs.evolve(stage.watcher.hooks(), choose=None))
            await with_system(stage, sim, lambda: bug.buggy(sim))

        clock = trio.testing.MockClock(autojump_threshold=0)
        try:
            anyio.run(main, backend="trio", backend_options={"clock": clock})
        except Exception:  # noqa: BLE001 - whatever the bug raises
            failed += 1
    return Hunt(None, time.process_time() - began, failed / runs)


def by_strategy(bug: Bug, backend: Backend, strategy: Strategy) -> Hunt:
    """Seed after seed until it shows."""
    began = time.process_time()
    for seed in range(1, TRIED_MAX + 1):
        world = World(Schedule(seed, strategy=strategy), bug.faults, backend)
        if run_program(bug.buggy, world, own_system=True).error is not None:
            return Hunt(seed, time.process_time() - began)
    return Hunt(None, time.process_time() - began)


def by_hypothesis(bug: Bug, backend: Backend) -> Hunt:
    """Schedules drawn by Hypothesis; shrinking not counted."""
    tried = 0

    @settings(
        max_examples=TRIED_MAX,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schedule=schedules())
    def hunt(schedule: Schedule) -> None:
        nonlocal tried
        tried += 1
        error = run_program(bug.buggy, World(schedule, bug.faults, backend), own_system=True).error
        if error is not None:
            raise Shown

    began = time.process_time()
    law: Any = hunt
    try:
        law()
    except Shown:
        return Hunt(tried, time.process_time() - began)
    return Hunt(None, time.process_time() - began)


class Shown(Exception):
    """The bug."""
