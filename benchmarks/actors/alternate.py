"""A child process: all candidates of some workloads on one event loop, alternated A B C A B C.

Shared machines drift by a third within minutes. Alternation lets every candidate see the same drift,
the CPU clock ignores what others ran, and the minimum is the repetition that was disturbed least.
"""

import gc
from statistics import median
from typing import Any

from benchmarks.actors.candidates import candidates
from benchmarks.actors.loops import answer, run_on
from benchmarks.actors.peers.program import Program
from benchmarks.actors.watch import Watch


async def alternate(programs: dict[str, Program], count: int, repetitions: int) -> dict[str, list[float]]:
    """CPU seconds per unit of each repetition, by candidate."""
    used: dict[str, list[float]] = {name: [] for name in programs}
    for repetition in range(repetitions + 1):
        for name, program in programs.items():
            gc.collect()
            watch = Watch()
            await program(count, watch)
            # The first round warms caches and the interpreter's specialised code.
            if repetition:
                used[name].append(watch.used / count)
    return used


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"loop", "repetitions", "counts"}`` → figures by workload and candidate, in microseconds."""

    async def measure() -> dict[str, Any]:
        figures = {}
        for workload, count in order["counts"].items():
            programs = candidates(workload, order["loop"])
            used = await alternate(programs, count, order["repetitions"])
            figures[workload] = {
                name: {"min_us": round(min(each) * 1e6, 4), "median_us": round(median(each) * 1e6, 4)}
                for name, each in used.items()
            }
        return figures

    found: dict[str, Any] = run_on(order["loop"], measure)
    return found


if __name__ == "__main__":
    answer(main)
