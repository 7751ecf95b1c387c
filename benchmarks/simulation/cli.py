"""``python -m benchmarks simulation``: the figures of ``docs/explanation/simulation.md``."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Final, get_args

from actors.testing._schedule import Backend, Strategy
from actors.testing._simulate import explore
from benchmarks.simulation.hunting import by_hypothesis, by_strategy, plain
from benchmarks.simulation.throughput import ACTORS, large, memory, small, speed
from tests.testing.bugs.catalogue import BUGS

BACKENDS: Final[tuple[Backend, ...]] = get_args(Backend)
STRATEGIES: Final[tuple[Strategy, ...]] = ("random", "pct", "block", "preempt", "portfolio")


def main(arguments: list[str]) -> int:
    """Measure and print Markdown tables; always 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks simulation", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer runs")
    parser.add_argument("--backend", choices=BACKENDS, help="one event loop only")
    given = parser.parse_args(arguments)
    backends = (given.backend,) if given.backend else BACKENDS
    throughput(backends, 50 if given.short else 300, 1 if given.short else 3)
    hunts(backends, 20 if given.short else 1_000)
    return 0


def row(cells: Iterable[object]) -> None:
    """Print one row of a table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def head(cells: Sequence[str]) -> None:
    """Print the head of a table."""
    row(cells)
    row("---" for _ in cells)


def throughput(backends: Sequence[Backend], runs: int, large_runs: int) -> None:
    """Speed and memory."""
    print("\n## Speed\n")
    head(("program", "event loop", "schedules/s", "messages/s", "times the real loop's cost"))
    for backend in backends:
        one = speed(small, backend, "portfolio", runs)
        row(("3 actors", backend, f"{one.schedules_s:,.0f}", f"{one.messages_s:,.0f}", f"{one.plain:.1f}"))
        for strategy in ("plain", "random", "pct"):
            one = speed(large, backend, strategy, large_runs)
            name = f"{ACTORS:,} actors, {strategy}"
            row((name, backend, f"{one.schedules_s:.2f}", f"{one.messages_s:,.0f}", f"{one.plain:.1f}"))
    print("\n## Memory of one run with 1,000 actors and 12,000 messages\n")
    head(("event loop", "MB allocated at the peak", "MB resident, whole process"))
    for backend in backends:
        row((backend, *(f"{megabytes:.0f}" for megabytes in memory(backend))))


def hunts(backends: Sequence[Backend], plain_runs: int) -> None:
    """Schedules until each bug shows."""
    print(f"\n## Bugs: share of {plain_runs} plain runs; schedules (CPU seconds) until it shows\n")
    head(("bug", "event loop", "plain trio", *STRATEGIES, "Hypothesis", "deviations left"))
    for bug in BUGS:
        share = plain(bug, plain_runs)
        for backend in backends:
            found = [by_strategy(bug, backend, strategy) for strategy in STRATEGIES]
            finding = explore(bug.buggy, backend=backend, faults=bug.faults, remember=False)
            left = len(finding.shortest.schedule.deviations or ()) if finding is not None else "-"
            row((bug.name, backend, share, *found, by_hypothesis(bug, backend), left))
