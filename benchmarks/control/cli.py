"""``python -m benchmarks control``: from a request to the moment after which nothing new starts."""

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio
import attrs

from benchmarks.actors.machine import machine, versions
from benchmarks.control.workload import write_epic
from orket.bootstrap import Orket, open_orket
from orket.domain.events import ToolCallIntended
from orket.domain.identifiers import RunId
from orket.orchestration.messages import HaltEngine, PauseRun, ReleaseEngine, ResumeRun, StartRun
from orket.settings import Settings

TARGET_MS = 100.0
SEED = 5


@attrs.frozen
class Sample:
    """One command: until it was acknowledged, and until the last effect that began after it was asked."""

    acknowledged_ms: float
    last_effect_ms: float


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks control", description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="runs at work at a time (default 50)")
    parser.add_argument("--samples", type=int, default=200, help="pauses that are measured (default 200)")
    parser.add_argument("--halts", type=int, default=20, help="halts that are measured (default 20)")
    parser.add_argument(
        "--reply-s", type=float, default=0.5, help="seconds per reply of the model (default 0.5; 0 saturates)"
    )
    parser.add_argument("--out", type=Path, help="JSON file (default benchmarks/results/<date>_control.json)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure and report; 0 whatever the figures."""
    given = parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        pauses, halts = anyio.run(_measure, Path(folder), given)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    report = {
        "date": day,
        "machine": machine(),
        "versions": versions(),
        "runs": given.runs,
        "reply_s": given.reply_s,
        "pause": summary(pauses),
        "halt": summary(halts),
        "target": {"p99_ms": TARGET_MS},
    }
    out = given.out or Path("benchmarks") / "results" / f"{day}_control.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name in ("pause", "halt"):
        _print(name, report[name])
    print(f"written: {out}")
    return 0


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Say how the commands were obeyed, in milliseconds."""
    fields = ("acknowledged_ms", "last_effect_ms")
    return {"samples": len(samples)} | {
        name: _quantiles([getattr(one, name) for one in samples]) for name in fields
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = {"p50": 0.5, "p99": 0.99}
    found = {name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in at.items()}
    found |= {"max": ordered[-1], "mean": statistics.fmean(ordered)}
    return {name: round(value, 2) for name, value in found.items()}


def _print(name: str, told: dict[str, Any]) -> None:
    for field in ("last_effect_ms", "acknowledged_ms"):
        row = "  ".join(f"{key} {value:8.2f}" for key, value in told[field].items())
        print(f"{name:6} {field:16} {row}   ms, {told['samples']} samples")


async def _measure(root: Path, given: argparse.Namespace) -> tuple[list[Sample], list[Sample]]:
    epic = write_epic(root / "model" / "core", given.runs, given.reply_s)
    settings = Settings(data_dir=root / "data", model_dir=root / "model", cwd=root)
    choice = random.Random(SEED)
    async with open_orket(settings) as orket:
        runs = [
            (await orket.engine.ask(StartRun(target=str(epic)), timeout=60)).run_id for _ in range(given.runs)
        ]
        pauses = [await _pause(orket, choice.choice(runs)) for _ in range(given.samples)]
        halts = [await _halt(orket) for _ in range(given.halts)]
        await orket.engine.ask(HaltEngine(by="bench"), timeout=60)
    return pauses, halts


async def _pause(orket: Orket, run_id: RunId) -> Sample:
    sample = await _sample(orket, PauseRun(run_id=run_id, by="bench"), run_id)
    await orket.engine.ask(ResumeRun(run_id=run_id, by="bench"), timeout=60)
    await anyio.sleep(0.02)  # the others work
    return sample


async def _halt(orket: Orket) -> Sample:
    sample = await _sample(orket, HaltEngine(by="bench"), None)
    await orket.engine.ask(ReleaseEngine(by="bench"), timeout=60)
    await anyio.sleep(0.5)  # all of them are at work again
    return sample


async def _sample(orket: Orket, command: PauseRun | HaltEngine, run_id: RunId | None) -> Sample:
    after = await orket.ledger.wait(0)
    asked_at, started = datetime.now(UTC), perf_counter()
    if isinstance(command, PauseRun):
        await orket.engine.ask(command, timeout=60)
    else:
        await orket.engine.ask(command, timeout=60)
    acknowledged_ms = (perf_counter() - started) * 1000
    recorded = await orket.ledger.read(run_id, after=after, limit=100_000)
    begun = [one.at for one in recorded if isinstance(one.event, ToolCallIntended)]
    last_ms = max(((at - asked_at).total_seconds() * 1000 for at in begun), default=0.0)
    return Sample(acknowledged_ms, max(0.0, last_ms))
