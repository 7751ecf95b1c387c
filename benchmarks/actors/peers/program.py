"""What each peer's file ends with: run its programs and print one JSON line per workload."""

import asyncio
import inspect
import json
import logging
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from benchmarks.actors.watch import Gauge, Watch

#: A program gets how many units to do and the watch to do them under; plain or async.
Program = Callable[[int, Watch], Any]


def serve(programs: Mapping[str, Program], stopwatch: type[Watch] = Watch) -> None:
    """Run what ``argv`` asks for: ``{"repetitions": 5, "counts": {"tell": 1000}}``."""
    # Some peers log each crash with a traceback, and are not measured by how fast they print it.
    logging.disable()
    order = json.loads(sys.argv[1])
    print(json.dumps({"version": version(order["distribution"])}), flush=True)
    for workload, count in order["counts"].items():
        line: dict[str, Any] = {"workload": workload}
        if workload in programs:
            print(json.dumps({"begins": workload}), flush=True)
            line |= _measure(programs[workload], count, order["repetitions"], workload, stopwatch)
        else:
            line["lacks"] = True
        print(json.dumps(line), flush=True)


def _measure(
    program: Program, count: int, repetitions: int, workload: str, stopwatch: type[Watch]
) -> dict[str, Any]:
    memory = workload.startswith("memory")
    used = []
    for _ in range(1 if memory else repetitions):
        watch = Gauge() if memory else stopwatch()
        try:
            _run(program, count, watch)
        except Exception as failure:  # noqa: BLE001 - whatever a peer raises is that peer's result
            return {"error": f"{type(failure).__name__}: {failure}"[:200]}
        used.append(watch.used / count)
    return {"used": min(used)}


def _run(program: Program, count: int, watch: Watch) -> None:
    if inspect.iscoroutinefunction(program):
        asyncio.run(program(count, watch))
    else:
        program(count, watch)
