"""Everything that is measured, child process by child process."""

import argparse
import sys
from typing import Any

from benchmarks.actors.children import ChildFailed, result_of
from benchmarks.actors.memory import PROGRAMS
from benchmarks.actors.peers.install import cache_dir
from benchmarks.actors.peers.rounds import MEMORY, measure_peers
from benchmarks.actors.shapes import WORKLOADS
from benchmarks.actors.targets import MEMORY_MAX, judge_fairness, judge_loop

__all__ = ["ChildFailed", "measure"]

LIMIT_S = 900.0
MEMORY_COUNTS = (10_000, 100_000)
SHORT_MEMORY_COUNTS = (10_000,)
PEER_MEMORY_COUNT = 2_000
PEER_REPETITIONS = 2


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """The whole measurement.

    Raises:
        ChildFailed: A child process of our own did not finish.
    """
    runs = [_run(given, number) for number in range(given.runs)]
    return {
        "runs": runs,
        "memory": [] if given.no_memory else _memory(given),
        "peers": _peers(given) if given.chosen else {},
    }


def _run(given: argparse.Namespace, number: int) -> dict[str, Any]:
    loops, fairness, verdicts = {}, {}, []
    for loop in given.loops:
        _say(f"run {number + 1} of {given.runs}: {loop}")
        counts = {
            workload.name: workload.short_units if given.short else workload.units
            for workload in WORKLOADS
            if workload.name in given.workloads
        }
        order = {"loop": loop, "repetitions": given.repetitions, "counts": counts}
        loops[loop] = result_of(sys.executable, "benchmarks.actors.alternate", order, LIMIT_S)
        fairness[loop] = result_of(sys.executable, "benchmarks.actors.fairness", {"loop": loop}, LIMIT_S)
        verdicts += [*judge_loop(loop, loops[loop]), *judge_fairness(loop, fairness[loop])]
    return {"loops": loops, "fairness": fairness, "targets": verdicts}


def _memory(given: argparse.Namespace) -> list[dict[str, Any]]:
    found = []
    for loop in given.loops:
        for count in SHORT_MEMORY_COUNTS if given.short else MEMORY_COUNTS:
            for state in PROGRAMS:
                if count > MEMORY_COUNTS[0] and state not in MEMORY_MAX:
                    continue
                _say(f"memory: {loop}, {count:,} actors, {state}")
                order = {"loop": loop, "count": count, "state": state}
                found.append(order | result_of(sys.executable, "benchmarks.actors.memory", order, LIMIT_S))
    return found


def _peers(given: argparse.Namespace) -> dict[str, Any]:
    counts = {
        workload.name: workload.peer_units for workload in WORKLOADS if workload.name in given.workloads
    }
    if not given.no_memory:
        counts[MEMORY] = PEER_MEMORY_COUNT
    return measure_peers(given.chosen, cache_dir(), counts, given.rounds, PEER_REPETITIONS)


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
