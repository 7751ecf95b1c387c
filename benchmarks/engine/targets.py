"""What is to be reached, and the verdict on what was measured. Times are the best of the repetitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

FLIGHT: Final = "32"
FLOOR_SHARE_MIN: Final = 0.5
DBOS_RATIO_MIN: Final = 30.0
LANGGRAPH_RATIO_MIN: Final = 20.0
TURNS_PER_S_MIN: Final = 1_500.0
FRAMEWORK_RATIO_MIN: Final = 4.0
DISK_RATIO_MAX: Final = 2.0
IMPORT_MS_MAX: Final = 150.0
RESIDENT_MB_MAX: Final = 45.0

Verdict = dict[str, Any]


def verdict(row: str, value: float, sense: str, bound: float) -> Verdict:
    """One line of the table of targets; ``sense`` is ``>=`` or ``<=``."""
    passed = value >= bound if sense == ">=" else value <= bound
    return {"row": row, "value": round(value, 2), "sense": sense, "target": bound, "pass": passed}


def best(figures: list[dict[str, float]], clock: str = "wall_us") -> float:
    """The repetition that was disturbed least."""
    return min(one[clock] for one in figures)


def judge(measured: dict[str, Any]) -> list[Verdict]:
    """All verdicts that the measured parts allow."""
    peers = measured.get("peers", {})
    return [
        *_steps(measured.get("steps", {}), peers),
        *_turns(measured.get("turns", {}), peers),
        *_rest(measured),
    ]


def _steps(steps: dict[str, Any], peers: dict[str, Any]) -> Iterator[Verdict]:
    if FLIGHT not in steps:
        return
    ours, floor = steps[FLIGHT]["ledger"], steps[FLIGHT]["floor"]
    yield verdict(
        "durable steps/s, share of the floor, 32 in flight", best(floor) / best(ours), ">=", FLOOR_SHARE_MIN
    )
    cpu = best(floor, "cpu_us") / best(ours, "cpu_us")
    yield verdict("the same by CPU time (shown, not a target)", cpu, ">=", 0.0)
    for name, bound in (("dbos", DBOS_RATIO_MIN), ("langgraph", LANGGRAPH_RATIO_MIN)):
        if theirs := peers.get(name, {}).get("steps", {}).get(FLIGHT):
            row = f"durable steps/s, times {name}, 32 in flight"
            yield verdict(row, best(theirs) / best(ours), ">=", bound)


def _turns(turns: dict[str, Any], peers: dict[str, Any]) -> Iterator[Verdict]:
    if FLIGHT not in turns:
        return
    ours = best(turns[FLIGHT])
    yield verdict("governed durable turns/s, 32 in flight (either this …)", 1e6 / ours, ">=", TURNS_PER_S_MIN)
    theirs = {name: one["turns"][FLIGHT] for name, one in peers.items() if one.get("turns", {}).get(FLIGHT)}
    if theirs:
        name = min(theirs, key=lambda one: best(theirs[one]))
        row = f"(… or this) times the fastest framework, {name}, which records nothing"
        yield verdict(row, best(theirs[name]) / ours, ">=", FRAMEWORK_RATIO_MIN)
        cpu = best(theirs[name], "cpu_us") / best(turns[FLIGHT], "cpu_us")
        yield verdict("as above, by CPU time (shown, not a target)", cpu, ">=", 0.0)


def _rest(measured: dict[str, Any]) -> Iterator[Verdict]:
    for turns, disk in measured.get("disk", {}).items():
        yield verdict(f"bytes on disk per byte sent, {turns} turns", disk["per_sent"], "<=", DISK_RATIO_MAX)
    if footprint := measured.get("footprint"):
        for module, bound in (("orket", IMPORT_MS_MAX), ("orket.bootstrap", IMPORT_MS_MAX)):
            yield verdict(f"import {module}, ms", footprint["imports"][module]["min_ms"], "<=", bound)
            if (cpu_ms := footprint["imports"][module].get("cpu_min_ms")) is not None:
                yield verdict(f"import {module}, ms of CPU", cpu_ms, "<=", bound)
        memory = footprint["memory"]
        yield verdict("resident memory of an engine at rest, MB", memory["idle_mb"], "<=", RESIDENT_MB_MAX)
        row = f"resident memory after {memory['cards']} cards, MB"
        yield verdict(row, memory["after_mb"], "<=", RESIDENT_MB_MAX)
