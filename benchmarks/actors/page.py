"""The tables of the performance page, from a result.

``python -m benchmarks.actors.page RESULT.json`` prints them; a page that is named as well gets them
between its marks, ``<!-- targets -->`` to ``<!-- end targets -->`` and so on.
"""

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


def constructors(report: dict[str, Any]) -> Iterator[str]:
    """Actors with a constructor beside those without: no target is about the former."""
    yield rows("loop", "spawn + stop, µs", "times naive", "with a constructor, µs", "times naive")
    yield rows(*["---"] * 5)
    for loop in report["runs"][0]["loops"]:
        found = [run["loops"][loop].get("spawn") for run in report["runs"]]
        if all(found):
            yield rows(loop, *_beside(found, OURS), *_beside(found, f"{OURS}, constructor"))


def _beside(found: list[dict[str, Any]], name: str) -> tuple[str, str]:
    used = " · ".join(f"{one[name]['min_us']:.2g}" for one in found)
    return used, " · ".join(f"{one[NAIVE]['min_us'] / one[name]['min_us']:.3g}" for one in found)


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


#: What is generated, by its mark in the page.
PARTS = {"targets": targets, "constructors": constructors, "peers": peers, "floors": floors}


def renew(page: str, report: dict[str, Any]) -> str:
    """The page with the tables of ``report`` between its marks; what was not measured stays."""
    for mark, part in PARTS.items():
        begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->"
        if begin in page and (mark != "peers" or report["peers"]):
            before, _, rest = page.partition(begin)
            page = before + begin + "\n".join(part(report)) + "\n" + end + rest.partition(end)[2]
    return page


def main(result: Path, *pages: Path) -> None:
    """Print the tables, or put them into the pages."""
    report = json.loads(result.read_text(encoding="utf-8"))
    for page in pages:
        page.write_text(renew(page.read_text(encoding="utf-8"), report), encoding="utf-8")
    if not pages:
        for part in PARTS.values():
            print("\n".join(part(report)) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
