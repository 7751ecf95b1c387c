"""Measure peers: each in its own process, interleaved by rounds, medians over the rounds."""

import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.actors.candidates import NAIVE, OURS
from benchmarks.actors.children import lines_of
from benchmarks.actors.peers.catalogue import Peer, interpreter

#: Seconds that one process may take for all its workloads.
LIMIT_S = 240.0
MEMORY = "memory"


class Runner:
    """One process's worth of figures per round."""

    def __init__(self, name: str, distribution: str, python: str, module: str) -> None:
        self.name = name
        self.distribution = distribution
        self.python = python
        self.module = f"benchmarks.actors.peers.{module}"
        self.figures: dict[str, list[float]] = {}
        self.notes: dict[str, str] = {}
        self.version = ""

    def round(self, counts: dict[str, int], repetitions: int) -> None:
        """Run every workload that has not failed yet, and memory in a process of its own."""
        speed = {name: count for name, count in counts.items() if name not in self.notes}
        memory = {name: speed.pop(name) for name in (MEMORY,) if name in speed}
        for part in (speed, memory):
            if part:
                self._run(part, repetitions)

    def _run(self, counts: dict[str, int], repetitions: int) -> None:
        order = {"counts": counts, "repetitions": repetitions, "distribution": self.distribution}
        lines, failure = lines_of(self.python, self.module, order, LIMIT_S)
        begun = ""
        for line in lines:
            self.version = line.get("version", self.version)
            begun = line.get("begins", begun)
            workload = line.get("workload")
            if workload is None:
                continue
            begun = ""
            if "used" in line:
                self.figures.setdefault(workload, []).append(line["used"])
            else:
                self.notes[workload] = line.get("error", "has no such thing")
        if failure:
            missing = [begun] if begun else [name for name in counts if name not in self.figures]
            self.notes |= dict.fromkeys(missing, failure)

    def report(self) -> dict[str, Any]:
        """Medians over the rounds: microseconds per unit, bytes per actor for memory."""
        return {
            "version": self.version,
            "median": {
                name: round(median(each) * (1 if name == MEMORY else 1e6), 4)
                for name, each in self.figures.items()
                if name not in self.notes
            },
            "notes": dict(self.notes),
        }


def measure_peers(
    peers: list[Peer], cache: Path, counts: dict[str, int], rounds: int, repetitions: int
) -> dict[str, Any]:
    """Figures by peer, ``actors`` and the naive loop among them as processes like the others."""
    runners = [
        Runner(OURS, "orket", sys.executable, "actors_"),
        Runner(NAIVE, "anyio", sys.executable, "anyio_"),
    ]
    absent = {}
    for peer in peers:
        python = interpreter(cache, peer)
        if python.exists():
            runners.append(Runner(peer.name, peer.distribution, str(python), peer.module))
        else:
            absent[peer.name] = {"version": "", "median": {}, "notes": {"*": "not installed"}}
    for number in range(rounds):
        for runner in runners:
            print(f"  round {number + 1} of {rounds}: {runner.name}", file=sys.stderr, flush=True)
            runner.round(counts, repetitions)
    return {runner.name: runner.report() for runner in runners} | absent
