"""``python -m benchmarks actors``: measure, judge, write JSON and a plot, print a table."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.actors import rounds
from benchmarks.actors.loops import LOOPS
from benchmarks.actors.peers.catalogue import select
from benchmarks.actors.report import assemble, print_report, result_path
from benchmarks.actors.shapes import WORKLOADS

REPETITIONS = 15
SHORT_REPETITIONS = 3


def _names(known: Iterable[str]) -> Any:
    known = tuple(known)

    def parse(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return names

    return parse


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    workloads = [workload.name for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks actors", description=__doc__)
    parser.add_argument("--short", action="store_true", help="less than a minute, for CI: small and noisy")
    parser.add_argument("--loops", type=_names(LOOPS), default=list(LOOPS), help=",".join(LOOPS))
    parser.add_argument("--workloads", type=_names(workloads), default=workloads, help=",".join(workloads))
    parser.add_argument(
        "--peers", help="names, 'all' or 'none' (default: all that are installed; none with --short)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of peer processes (default 5)")
    parser.add_argument("--repetitions", type=int, help=f"per candidate (default {REPETITIONS})")
    parser.add_argument("--runs", type=int, default=1, help="how many times in a row the targets are judged")
    parser.add_argument("--no-memory", action="store_true", help="leave bytes per actor out")
    parser.add_argument(
        "--out", type=Path, help="JSON file (default benchmarks/results/<UTC date>_actors.json)"
    )
    parser.add_argument(
        "--plot", type=Path, help="SVG or PNG file (default: beside the JSON file; - for none)"
    )
    given = parser.parse_args(arguments)
    if given.repetitions is None:
        given.repetitions = SHORT_REPETITIONS if given.short else REPETITIONS
    if given.repetitions < 1 or given.rounds < 1 or given.runs < 1:
        parser.error("--repetitions, --rounds and --runs are at least 1")
    if given.peers is None:
        given.peers = "none" if given.short else "all"
    try:
        given.chosen = _chosen_peers(given.peers)
    except ValueError as error:
        parser.error(str(error))
    return given


def _chosen_peers(text: str) -> list[Any]:
    if text == "none":
        return []
    return select(None if text == "all" else [name.strip() for name in text.split(",") if name.strip()])


def main(arguments: list[str]) -> int:
    """Measure and report; 0 unless a candidate of our own failed."""
    given = parse(arguments)
    try:
        measured = rounds.measure(given)
    except rounds.ChildFailed as failure:
        print(f"benchmarks: {failure}", file=sys.stderr)
        return 1
    command = " ".join(["python -m benchmarks actors", *_public(arguments)])
    report = assemble(measured, command, given)
    out = given.out or result_path(report["date"])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report)
    print(f"written: {out}")
    _plot(report, given.plot or out.with_suffix(".svg"))
    return 0


def _public(arguments: list[str]) -> list[str]:
    """The arguments without file names, which may name a machine's folders."""
    kept, skip = [], False
    for argument in arguments:
        if skip or argument.startswith(("--out=", "--plot=")):
            skip = False
        elif argument in ("--out", "--plot"):
            skip = True
        else:
            kept.append(argument)
    return kept


def _plot(report: dict[str, Any], path: Path) -> None:
    if str(path) == "-":
        return
    try:
        from benchmarks.actors.plot import draw
    except ImportError as missing:
        print(f"no plot: {missing} (pip install 'orket[bench]')", file=sys.stderr)
        return
    draw(report, path)
    print(f"drawn: {path}")
