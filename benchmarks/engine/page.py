"""``python -m benchmarks.engine.page FILE``: the tables of the performance page, from a result."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.engine.rounds import FLIGHTS
from benchmarks.engine.targets import best


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """One Markdown table; all columns but the first are numbers."""
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"| --- |{' ---: |' * (len(names) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def targets(report: dict[str, Any]) -> Iterator[str]:
    """Target against measurement, one row each."""
    yield from table(
        ("What", "Target", "Measured", "Reached"),
        (
            (
                one["row"],
                f"{'≥' if one['sense'] == '>=' else '≤'} {one['target']:g}",
                f"{one['value']:,g}",
                "yes" if one["pass"] else "**no**",
            )
            for one in report["targets"]
        ),
    )


def speeds(report: dict[str, Any], part: str, ours: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Units per second and CPU microseconds per unit, by who and how many in flight."""
    peers = {name: peer[part] for name, peer in report["peers"].items() if part in peer}
    rows = (
        (name, *(_cell(figures.get(flight)) for flight in FLIGHTS))
        for name, figures in (ours | peers).items()
    )
    yield from table(
        (f"{part.capitalize()}/s (µs of CPU each)", *(f"{one} in flight" for one in FLIGHTS)), rows
    )


def _cell(figures: list[dict[str, float]] | None) -> str:
    if not figures:
        return "-"
    return f"{1e6 / best(figures):,.0f} ({best(figures, 'cpu_us'):,.0f})"


def disk(report: dict[str, Any]) -> Iterator[str]:
    """What a long card leaves on disk."""
    rows = (
        (turns, f"{one['disk_bytes']:,}", f"{one['per_sent']:.2f}", f"{one['per_said']:.0f}")
        for turns, one in report["disk"].items()
    )
    yield from table(("Turns on one card", "Bytes on disk", "per byte sent", "per byte said once"), rows)


def page(report: dict[str, Any]) -> str:
    """All tables of a result."""
    steps: dict[str, dict[str, Any]] = {"the floor": {}, "Orket's ledger": {}}
    for flight, found in report["steps"].items():
        steps["the floor"][flight], steps["Orket's ledger"][flight] = found["floor"], found["ledger"]
    return "\n".join(
        (
            *targets(report),
            *speeds(report, "steps", steps),
            *speeds(report, "turns", {"Orket": report["turns"]}),
            *disk(report),
        )
    )


if __name__ == "__main__":
    print(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
