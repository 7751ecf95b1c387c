"""Run the fixed twins, the rows of the table and an engine for long: ``python -m tests.testing.survive``.

Prints the seed it begins at; a failure is printed with the line that replays it, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from actors.testing import Faults, Finding, World
from actors.testing._schedule import Backend
from actors.testing._simulate import Exploration, Program
from tests.orket.testing.test_engine import ACTORS, PORTS, three_cards
from tests.testing.bugs.catalogue import BUGS
from tests.testing.rows import rows, settle

BACKENDS: tuple[Backend, ...] = ("asyncio", "trio")


def programs(schedules: int, seed: int) -> Iterator[tuple[str, Exploration, Program, bool]]:
    """Name, exploration, program, and whether it wants a system."""
    for bug in BUGS:
        world = World(faults=bug.faults)
        yield bug.name, Exploration(world, schedules, BACKENDS, seed=seed), bug.fixed, True
    for row in rows():
        if hasattr(row.module, "settle"):
            row.module.settle = settle  # type: ignore[attr-defined]  # a module's attribute
        still = Exploration(World(overtake=False), max(1, schedules // 10), BACKENDS, seed=seed)
        yield row.name, still, lambda _, row=row: row.test(), False

    for backend in BACKENDS:
        faults = Faults(crash=ACTORS, delay=PORTS, drop=["model"], rate=0.25)
        crashing = Exploration(World(faults=faults), max(1, schedules // 20), (backend,), seed=seed)
        yield "an engine whose actors crash", crashing, three_cards, True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.testing.survive", description=__doc__)
    parser.add_argument(
        "--schedules", type=int, default=10_000, help="per twin and event loop (default 10000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="where to begin (default 0)")
    parser.add_argument("--minutes", type=float, default=25, help="stop beginning new programs (default 25)")
    given = parser.parse_args(arguments)
    print(f"seed {given.seed}, {given.schedules} schedules", flush=True)
    until, failed, survived = time.monotonic() + given.minutes * 60, 0, 0
    for name, exploration, program, own_system in programs(given.schedules, given.seed):
        if time.monotonic() > until:
            print(f"no time for {name} and what follows", flush=True)
            break
        began = time.process_time()
        finding: Finding | None = exploration.explore(program, own_system=own_system)
        spent = time.process_time() - began
        if finding is not None:
            failed += 1
            print(f"{name}: {finding.shortest.error!r}\n{finding.report()}", flush=True)
        else:
            survived += exploration.schedules * len(exploration.backends)
            where = " and ".join(exploration.backends)
            print(f"{name}: {exploration.schedules} on {where}, {spent:.1f} s of CPU", flush=True)
    print(f"{survived} schedules survived, {time.process_time():.0f} s of CPU, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
