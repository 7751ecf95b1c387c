"""The plot: times faster than the naive anyio loop, by workload, on a logarithmic axis."""

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.actors.candidates import CALL, NAIVE, OURS, QUEUE
from benchmarks.actors.report import ERLANG, TITLES, ratios_to_naive
from benchmarks.actors.targets import TARGETS

MARKS = {"asyncio": "o", "uvloop": "D", "trio": "s"}


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the plot; the suffix of ``path`` decides the format."""
    workloads = [name for name in TITLES if any(name in loop for loop in report["runs"][0]["loops"].values())]
    figure = Figure(figsize=(9.5, 1.6 + 0.75 * len(workloads)), layout="constrained")
    axes = figure.add_subplot()
    # A fixed salt and no date: the same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "orket"
    axes.axvspan(
        *ERLANG, color="tab:red", alpha=0.12, label=f"Erlang/OTP, {ERLANG[0]:g} to {ERLANG[1]:g} times"
    )
    axes.axvline(1, color="black", linewidth=0.8, label="naive anyio loop")
    _draw_peers(axes, ratios_to_naive(report["peers"]), workloads)
    _draw_ours(axes, report["runs"], workloads)
    axes.set_xscale("log")
    ticks = [0.1, 0.3, 1, 3, 10, 30, 100]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(range(len(workloads)), [TITLES[name] for name in workloads])
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("times faster than the naive anyio loop of the same event loop (CPU time)")
    figure.legend(loc="outside lower center", ncols=5, fontsize="small", frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_ours(axes: Axes, runs: list[dict[str, Any]], workloads: list[str]) -> None:
    for loop, mark in MARKS.items():
        for candidate, style in ((OURS, {"color": "tab:blue"}), (QUEUE, {"color": "tab:gray", "alpha": 0.6})):
            points: list[tuple[float, float]] = [
                (median(values), at)
                for at, name in enumerate(workloads)
                if (values := [_ratio(run, loop, name, candidate) for run in runs])
                and all(value is not None for value in values)
            ]
            if points:
                _scatter(axes, points, marker=mark, s=42, zorder=3, label=f"{candidate}, {loop}", **style)
    bounds = {target.workload: target.bounds["asyncio"] for target in TARGETS}
    places: list[tuple[float, float]] = [(bounds[name], at) for at, name in enumerate(workloads)]
    _scatter(axes, places, marker="|", s=260, color="tab:green", zorder=2, label="target (asyncio)")


def _scatter(axes: Axes, points: list[tuple[float, float]], **style: Any) -> None:
    axes.scatter([x for x, _ in points], [y for _, y in points], **style)


def _ratio(run: dict[str, Any], loop: str, workload: str, candidate: str) -> Any:
    figures = run["loops"].get(loop, {}).get(workload, {})
    if NAIVE not in figures or candidate not in figures:
        return None
    return figures[NAIVE]["min_us"] / figures[candidate]["min_us"]


def _draw_peers(axes: Axes, ratios: dict[str, dict[str, float]], workloads: list[str]) -> None:
    names = sorted({name for found in ratios.values() for name in found} - {OURS, CALL})
    colours = mpl.colormaps["tab20"]
    for number, peer in enumerate(names):
        points = [
            (ratios[name][peer], at + 0.22)
            for at, name in enumerate(workloads)
            if peer in ratios.get(name, {})
        ]
        _scatter(axes, points, marker="x", s=30, color=colours(number), label=peer)
