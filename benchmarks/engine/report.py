"""The result as JSON, and as tables on the terminal."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.actors.children import ROOT
from benchmarks.actors.machine import machine, versions
from benchmarks.engine.load import TURNS_PER_CARD
from benchmarks.engine.rounds import FLIGHTS
from benchmarks.engine.targets import best, judge


def result_path(date: str) -> Path:
    """Where a result of that date goes."""
    return ROOT / "benchmarks" / "results" / f"{date[:10]}_engine.json"


def assemble(measured: dict[str, Any], command: str, given: argparse.Namespace) -> dict[str, Any]:
    """Everything a reader needs to judge the figures, as JSON values."""
    return {
        "kind": "engine",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "short": given.short,
        "method": {
            "clocks": "elapsed time and CPU time of the process, all threads; microseconds per unit",
            "gate": "the best repetition by elapsed time; candidates alternate in rounds",
            "steps": "one record a step; floor and ledger alternate in one process",
            "turns": f"{TURNS_PER_CARD} model replies per conversation, each with one tool call",
            "rounds": given.rounds,
            "repetitions": given.repetitions,
            "loop": given.loop,
        },
        "machine": machine(),
        "versions": versions(),
        "targets": judge(measured),
        **measured,
    }


def print_report(report: dict[str, Any]) -> None:
    """Tables: targets, then units per second."""
    console = Console()
    console.print(_targets(report["targets"]))
    console.print(_speeds(report))
    if resume := report.get("resume"):
        text = f"{resume['runs']:,} open runs taken up in {resume['wall_s']:.2f} s"
        console.print(f"{text} ({resume['cpu_s']:.2f} s of CPU)", highlight=False)
    for name, peer in report["peers"].items():
        for what, failure in peer.get("failures", {}).items():
            console.print(f"{name}: {what}: {failure}", highlight=False)
        if "note" in peer:
            console.print(f"{name}: {peer['note']}", highlight=False)


def _targets(verdicts: list[dict[str, Any]]) -> Table:
    table = Table(title="Targets")
    table.add_column("what")
    table.add_column("target", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("")
    for one in verdicts:
        sign = "≥" if one["sense"] == ">=" else "≤"
        outcome = "pass" if one["pass"] else "[bold red]MISS[/]"
        table.add_row(one["row"], f"{sign} {one['target']:g}", f"{one['value']:,g}", outcome)
    return table


def _speeds(report: dict[str, Any]) -> Table:
    table = Table(title="Per second by elapsed time (µs of CPU each), best of the repetitions")
    table.add_column("who")
    for flight in FLIGHTS:
        table.add_column(f"{flight} in flight", justify="right")
    for candidate in ("floor", "ledger"):
        rows = {flight: found[candidate] for flight, found in report["steps"].items()}
        _add(table, f"steps: {candidate}", rows)
    for name, peer in report["peers"].items():
        _add(table, f"steps: {name}", peer.get("steps", {}))
    _add(table, "turns: orket", report["turns"])
    for name, peer in report["peers"].items():
        _add(table, f"turns: {name}", peer.get("turns", {}))
    return table


def _add(table: Table, title: str, figures: dict[str, list[dict[str, float]]]) -> None:
    if figures:
        cells = [
            f"{1e6 / best(figures[flight]):,.0f} ({best(figures[flight], 'cpu_us'):,.0f})"
            if flight in figures
            else "-"
            for flight in FLIGHTS
        ]
        table.add_row(title, *cells)
