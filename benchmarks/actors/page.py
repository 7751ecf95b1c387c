"""``python -m benchmarks.actors.page RESULT.json``: the tables of the performance page, from a result."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.actors.candidates import NAIVE, OURS
from benchmarks.actors.report import TITLES, ratios_to_naive


def rows(*cells: str) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def targets(report: dict[str, Any]) -> Iterator[str]:
    """Targets against every run."""
    yield rows("what", "loop", "target", "runs", "")
    yield rows("---", "---", "---", "---", "---")
    everyone = [*zip(*(run["targets"] for run in report["runs"]), strict=True)]
    everyone += [(one,) for one in report["memory_targets"]]
    for verdicts in everyone:
        first = verdicts[0]
        sign = "≥" if first["sense"] == ">=" else "≤"
        outcome = "holds" if all(one["pass"] for one in verdicts) else "**missed**"
        values = " · ".join(f"{one['value']:g}" for one in verdicts)
        title = TITLES.get(first["row"], first["row"])
        yield rows(title, first["loop"], f"{sign} {first['target']:g}", values, outcome)


def peers(report: dict[str, Any]) -> Iterator[str]:
    """Times faster than the naive loop; bytes per idle actor at the end."""
    found = report["peers"]
    names = [name for name in found if name != NAIVE]
    yield rows(
        "workload", *(f"**{name}**" if name == OURS else f"{name} {_version(found[name])}" for name in names)
    )
    yield rows(*["---"] * (len(names) + 1))
    for workload, ratios in ratios_to_naive(found).items():
        yield rows(TITLES[workload], *(f"{ratios[name]:.2g}" if name in ratios else "" for name in names))
    memory = [found[name]["median"].get("memory") for name in names]
    yield rows("bytes per idle actor", *("" if each is None else f"{each:,.0f}" for each in memory))


def _version(peer: dict[str, Any]) -> str:
    return str(peer["version"]) or "(not installed)"


def floors(report: dict[str, Any]) -> Iterator[str]:
    """Microseconds per unit of everything that alternated, first run."""
    yield rows("workload", "loop", "candidates (µs)")
    yield rows("---", "---", "---")
    for loop, figures in report["runs"][0]["loops"].items():
        for workload, measured in figures.items():
            each = ", ".join(f"{name} {one['min_us']:.3g}" for name, one in measured.items())
            yield rows(TITLES[workload], loop, each)


if __name__ == "__main__":
    result = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for part in (targets, peers, floors):
        print("\n".join(part(result)) + "\n")
