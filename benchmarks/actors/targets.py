"""What is to be reached, and the verdict on what was measured."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from benchmarks.actors.candidates import NAIVE, OURS, OURS_TIMEOUT


class Target(NamedTuple):
    """At least ``bounds[loop]`` times faster than the naive anyio loop of the same event loop."""

    workload: str
    bounds: dict[str, float]


def _same(asyncio: float, trio: float) -> dict[str, float]:
    return {"asyncio": asyncio, "uvloop": asyncio, "trio": trio}


TARGETS: Final = (
    Target("tell", _same(5.0, 6.0)),
    Target("ask", _same(4.5, 2.8)),
    Target("ask_many", _same(9.0, 8.0)),
    Target("ping_pong", _same(10.0, 10.0)),
    Target("ring", _same(10.0, 9.0)),
    Target("spawn", _same(20.0, 20.0)),
    Target("fan_in", _same(9.0, 7.0)),
    Target("crash", _same(4.5, 4.5)),
)
#: An ask with a deadline costs at most so many times one without.
TIMEOUT_MAX: Final = 1.2
#: Bytes per actor.
MEMORY_MAX: Final = {"never messaged": 1_024, "after one message": 2_560}
LONGEST_RUN_MAX: Final = {"asyncio": 64, "uvloop": 64, "trio": 128}
SMALLEST_SHARE_MIN: Final = 0.8
#: Peers that run the receiver in the sender's own call: nothing waits in a mailbox.
DIRECT_CALLS: Final = ("thespian", "xoscar")


def verdict(row: str, loop: str, value: float, sense: str, bound: float) -> dict[str, Any]:
    """One line of the table of targets; ``sense`` is ``>=`` or ``<=``."""
    passed = value >= bound if sense == ">=" else value <= bound
    return {"row": row, "loop": loop, "value": value, "sense": sense, "target": bound, "pass": passed}


def ratio(figures: dict[str, Any], above: str, below: str) -> float | None:
    """How many times the minimum of ``above`` is that of ``below``; None when one was not measured."""
    if above not in figures or below not in figures:
        return None
    return round(float(figures[above]["min_us"] / figures[below]["min_us"]), 2)


def judge_loop(loop: str, figures: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Verdicts on the workloads of one event loop."""
    for target in TARGETS:
        measured = figures.get(target.workload)
        if measured is None:
            continue
        found = ratio(measured, NAIVE, OURS)
        if found is not None:
            yield verdict(target.workload, loop, found, ">=", target.bounds[loop])
        slower = ratio(measured, OURS_TIMEOUT, OURS)
        if slower is not None:
            yield verdict("ask with a timeout / without", loop, slower, "<=", TIMEOUT_MAX)


def judge_fairness(loop: str, found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Verdicts on the fairness figures of one event loop."""
    yield verdict(
        "messages before another task runs", loop, found["longest_run"], "<=", LONGEST_RUN_MAX[loop]
    )
    yield verdict("user messages after stop", loop, found["handled_after_stop"], "<=", 0)
    yield verdict(
        "smallest share of 20 blocked senders", loop, found["smallest_share"], ">=", SMALLEST_SHARE_MIN
    )


def judge_memory(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Verdicts on bytes per actor."""
    for one in found:
        if one["state"] in MEMORY_MAX:
            row = f"bytes per actor, {one['state']}, {one['count']:,}"
            yield verdict(row, one["loop"], one["bytes"], "<=", MEMORY_MAX[one["state"]])


def judge_peers(peers: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Whether ``actors`` is ahead of every peer in each workload; memory is the smaller the better."""
    ours = peers[OURS]["median"]
    for workload, mine in ours.items():
        others = {
            name: peer["median"][workload]
            for name, peer in peers.items()
            if name not in (OURS, NAIVE) and workload in peer["median"]
            if not (workload == "ask" and name in DIRECT_CALLS)
        }
        if others:
            best = min(others, key=lambda name: others[name])
            yield verdict(f"{workload}: ahead of {best}", "asyncio", round(others[best] / mine, 2), ">=", 1.0)
