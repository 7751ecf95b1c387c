"""The result as JSON, and as tables on the terminal."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.actors.candidates import NAIVE, OURS
from benchmarks.actors.children import ROOT
from benchmarks.actors.machine import machine, versions
from benchmarks.actors.shapes import WORKLOADS
from benchmarks.actors.targets import judge_memory, judge_peers

TITLES = {workload.name: workload.title for workload in WORKLOADS}
#: Times faster than the naive anyio loop, as measured on other machines: the far anchor.
ERLANG = (26.0, 80.0)


def result_path(date: str) -> Path:
    """Where a result of that date goes."""
    return ROOT / "benchmarks" / "results" / f"{date[:10]}_actors.json"


def assemble(measured: dict[str, Any], command: str, given: argparse.Namespace) -> dict[str, Any]:
    """Everything a reader needs to judge the figures, as JSON values."""
    peers = measured["peers"]
    return {
        "kind": "actors",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "short": given.short,
        "method": {
            "clock": "CPU time of the process",
            "gate": "minimum of the repetitions, candidates alternated in one process per event loop",
            "repetitions": given.repetitions,
            "peers": f"own process and virtual environment, {given.rounds} rounds, medians",
            "units": {workload.name: workload.unit for workload in WORKLOADS},
            "counts": {
                workload.name: workload.short_units if given.short else workload.units
                for workload in WORKLOADS
            },
        },
        "machine": machine(),
        "versions": versions(),
        "runs": measured["runs"],
        "memory": measured["memory"],
        "memory_targets": list(judge_memory(measured["memory"])),
        "peers": peers,
        "peer_targets": list(judge_peers(peers)) if peers else [],
        "erlang_otp_ratio": list(ERLANG),
    }


def print_report(report: dict[str, Any]) -> None:
    """Tables: targets over the runs, then peers."""
    console = Console()
    console.print(_targets(report))
    if report["peers"]:
        console.print(_peers(report["peers"]))
        for name, peer in report["peers"].items():
            for workload, note in peer["notes"].items():
                console.print(f"{name}: {TITLES.get(workload, workload)}: {note}", highlight=False)


def _targets(report: dict[str, Any]) -> Table:
    table = Table(title="Ratio to the naive anyio loop (CPU time, minimum), against the target")
    for column in ("what", "loop", "target", *(f"run {n + 1}" for n in range(len(report["runs"]))), ""):
        table.add_column(column, justify="left" if column in ("what", "loop") else "right")
    for first, *rest in zip(*(run["targets"] for run in report["runs"]), strict=True):
        everyone = (first, *rest)
        _add(table, everyone)
    for verdict in (*report["memory_targets"], *report["peer_targets"]):
        _add(table, (verdict,))
    return table


def _add(table: Table, verdicts: tuple[dict[str, Any], ...]) -> None:
    first = verdicts[0]
    values = [f"{verdict['value']:g}" for verdict in verdicts]
    values += [""] * (len(table.columns) - 4 - len(values))
    outcome = "pass" if all(verdict["pass"] for verdict in verdicts) else "[bold red]MISS[/]"
    sign = "≥" if first["sense"] == ">=" else "≤"
    title = TITLES.get(first["row"], first["row"])
    table.add_row(title, first["loop"], f"{sign} {first['target']:g}", *values, outcome)


def _peers(peers: dict[str, Any]) -> Table:
    table = Table(title="µs per unit (bytes per idle actor), asyncio, own processes, medians over rounds")
    table.add_column("workload")
    for name in peers:
        table.add_column(name, justify="right")
    for workload in [*TITLES, "memory"]:
        row = [
            f"{peer['median'][workload]:,.2f}" if workload in peer["median"] else "-"
            for peer in peers.values()
        ]
        if any(cell != "-" for cell in row):
            table.add_row(TITLES.get(workload, "bytes per idle actor"), *row)
    return table


def ratios_to_naive(peers: dict[str, Any]) -> dict[str, dict[str, float]]:
    """How many times faster than the naive loop each process was, by workload and peer."""
    naive = peers.get(NAIVE, {"median": {}})["median"]
    return {
        workload: {
            name: round(naive[workload] / peer["median"][workload], 2)
            for name, peer in peers.items()
            if name != NAIVE and peer["median"].get(workload)
        }
        for workload in TITLES
        if workload in naive
    }


__all__ = ["ERLANG", "OURS", "TITLES", "assemble", "print_report", "ratios_to_naive", "result_path"]
