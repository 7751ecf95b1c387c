"""A child process: private bytes per idle actor.

Each figure has a fresh process, in which the system and one actor already run, so that only what one
more actor costs is counted.
"""

from typing import Any

from benchmarks.actors.candidates import naive, orket
from benchmarks.actors.loops import answer, run_on
from benchmarks.actors.watch import Gauge

PROGRAMS = {
    "never messaged": orket.memory_idle,
    "never messaged, constructor": orket.memory_state,
    "after one message": orket.memory_used,
    "anyio loop": naive.memory_idle,
}


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"loop", "count", "state"}`` → ``{"bytes"}`` per actor."""

    async def measure() -> float:
        gauge = Gauge()
        await PROGRAMS[order["state"]](order["count"], gauge)
        return gauge.used / int(order["count"])

    bytes_each: float = run_on(order["loop"], measure)
    return {"bytes": round(bytes_each)}


if __name__ == "__main__":
    answer(main)
