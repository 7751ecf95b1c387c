"""``python -m benchmarks engine``: measure, judge, write JSON, print tables."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.actors.children import ChildFailed
from benchmarks.actors.peers.install import cache_dir
from benchmarks.engine import rounds
from benchmarks.engine.peers.catalogue import PEERS, install
from benchmarks.engine.report import assemble, print_report, result_path

PARTS = ("steps", "turns", "disk", "resume", "footprint")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine", description=__doc__)
    parser.add_argument("--short", action="store_true", help="about a minute: small and noisy")
    parser.add_argument("--install", action="store_true", help="first install peers, outside the repository")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    names = [peer.name for peer in PEERS]
    parser.add_argument("--peers", nargs="*", choices=names, help="default: all; none with --short")
    parser.add_argument("--rounds", type=int, help="rounds of processes (default 3, short 1)")
    parser.add_argument("--repetitions", type=int, help="of ours in each process (default 3, short 1)")
    parser.add_argument("--loop", choices=["asyncio", "trio"], default="asyncio", help="ours runs on")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/<UTC date>_engine.json")
    given = parser.parse_args(arguments)
    given.rounds = given.rounds or (1 if given.short else 3)
    given.repetitions = given.repetitions or (1 if given.short else 3)
    if given.peers is None:
        given.peers = [] if given.short else names
    given.chosen = [peer for peer in PEERS if peer.name in given.peers]
    return given


def main(arguments: list[str]) -> int:
    """Measure and report; 0 unless a candidate of our own failed."""
    given, cache = parse(arguments), cache_dir()
    if given.install:
        for peer in given.chosen:
            print(f"{peer.name}: {install(peer, cache)}", file=sys.stderr, flush=True)
    try:
        measured = rounds.measure(given, cache)
    except ChildFailed as failure:
        print(f"benchmarks: {failure}", file=sys.stderr)
        return 1
    told = [one for one in arguments if one.startswith("--") and not one.startswith("--out")]
    report = assemble(measured, " ".join(["python -m benchmarks engine", *told]), given)
    out = given.out or result_path(report["date"])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report)
    print(f"written: {out}")
    return 0
