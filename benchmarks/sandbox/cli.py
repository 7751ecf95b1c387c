"""``python -m benchmarks sandbox``: what a command costs at every level that works here.

A bare subprocess, and a command of each driver, alternate in one process. Then forty commands run at once,
and afterwards no process of theirs may be left.
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio

from benchmarks.actors.machine import machine
from orket.bootstrap import ladder
from orket.domain.identifiers import RunId
from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import Command, CommandEnd, Limits, SandboxSpec

RESULTS = Path(__file__).parent.parent / "results"
AT_ONCE = 40
TIMES_MAX, MEDIAN_MS_MAX = 12.0, 15.0
TRUE = Command(argv=("/bin/true",), limits=Limits(wall_s=30.0))


def bare() -> None:
    """The floor: one process, started and awaited."""
    subprocess.run(["/bin/true"], stdin=subprocess.DEVNULL, capture_output=True, check=True)


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    """How long something takes, in milliseconds."""
    began = time.perf_counter()
    await act()
    return (time.perf_counter() - began) * 1000


async def opening(driver: SandboxDriver, folder: str) -> OpenSandbox:
    """Open a sandbox over a new workspace."""
    workspace = tempfile.mkdtemp(dir=folder)
    return await driver.open(SandboxSpec(run_id=RunId("bench"), workspace=workspace, levels=(driver.name,)))


async def measure(driver: SandboxDriver, folder: str, repetitions: int) -> dict[str, object]:
    """Measure one driver; a command and a bare subprocess take turns."""
    commands, floor, starts = [], [], []
    for _ in range(5):
        began = time.perf_counter()
        sandbox = await opening(driver, folder)
        starts.append((time.perf_counter() - began) * 1000)
        await sandbox.close()
    sandbox = await opening(driver, folder)
    await sandbox.run(TRUE)
    for _ in range(repetitions):
        began = time.perf_counter()
        bare()
        floor.append((time.perf_counter() - began) * 1000)
        commands.append(await timed(lambda: sandbox.run(TRUE)))
    together_ms, ok, left = await at_once(sandbox)
    await sandbox.close()
    return {
        "driver": driver.name,
        "level": driver.level,
        "open_ms": round(statistics.median(starts), 2),
        "command_ms": round(statistics.median(commands), 2),
        "command_p95_ms": round(statistics.quantiles(commands, n=20)[-1], 2),
        "bare_ms": round(statistics.median(floor), 2),
        "times_bare": round(statistics.median(commands) / statistics.median(floor), 1),
        "at_once_ms": round(together_ms, 1),
        "at_once_ok": ok,
        "left_processes": left,
    }


async def at_once(sandbox: OpenSandbox) -> tuple[float, int, int]:
    """Run many commands that each leave a process; return the time, how many were well, and what is left."""
    word, ends = f"orket-bench-{secrets.token_hex(8)}", []
    command = Command(argv=("/bin/sh", "-c", f"(sleep 300; : {word}) & :"), limits=Limits(wall_s=60.0))

    async def one() -> None:
        ends.append((await sandbox.run(command)).end)

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(one)

    together_ms = await timed(all_of_them)
    return together_ms, ends.count(CommandEnd.OK), _carrying(word)


def _carrying(word: str) -> int:
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += word.encode() in Path("/proc", name, "cmdline").read_bytes()
        except OSError:
            continue
    return count


async def everything(repetitions: int) -> dict[str, object]:
    """Measure every driver that works here; say why the others do not."""
    rows: list[dict[str, object]] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for driver in ladder():
            report = await driver.probe()
            if report.ok:
                rows.append(await measure(driver, folder, repetitions))
            else:
                missing[driver.name] = report.reason
    return {"machine": machine(), "python": sys.version.split()[0], "rows": rows, "missing": missing}


def table(result: dict[str, object]) -> str:
    """The rows of a result as Markdown."""
    head = "| driver | open | command, median | p95 | times bare | 40 at once | well | left |"
    lines = [head, "|---|---:|---:|---:|---:|---:|---:|---:|"]
    rows = result["rows"]
    assert isinstance(rows, list)
    lines += [
        f"| `{one['driver']}` | {one['open_ms']} ms | {one['command_ms']} ms | {one['command_p95_ms']} ms "
        f"| {one['times_bare']} | {one['at_once_ms']} ms | {one['at_once_ok']} | {one['left_processes']} |"
        for one in rows
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Measure, write JSON, print the table and whether the targets are met; 0 whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sandbox", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds: small and noisy")
    parser.add_argument(
        "--out", type=Path, help="JSON file (default benchmarks/results/<UTC date>_sandbox.json)"
    )
    given = parser.parse_args(arguments)
    result = anyio.run(everything, 15 if given.short else 100)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    out = given.out or RESULTS / f"{today}_sandbox.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))
    rows = result["rows"]
    assert isinstance(rows, list)
    for one in rows:
        if one["driver"] == "bubblewrap":
            met = one["times_bare"] <= TIMES_MAX and one["command_ms"] <= MEDIAN_MS_MAX
            print(f"\ntarget (bubblewrap at most {TIMES_MAX:g} times bare and {MEDIAN_MS_MAX:g} ms): {met}")
    print(f"written: {out}")
    return 0
