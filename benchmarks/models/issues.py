"""Have a model work on the issues of the demo, unaided, and count those that are done and verified.

``python -m benchmarks.models.issues local:qwen2.5-coder-1.5b --seeds 1 2 3`` drives an engine per seed and
prints a line of JSON per issue, then a table. An issue counts as right when it is done and its verification
(for the two recipes: the content of the files) is what it shall be: the last word is not the model's.
Exit code 1 when an issue of ``--need`` was not right with every seed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from orket.infrastructure.assets import demo_dir

ISSUES = ("KIT-1", "KIT-2", "KIT-3", "KIT-4")
ALL = (*ISSUES, "KIT-5")
TEMPERATURE = 0.3
PATIENCE_S = 3_600.0
RECIPES: Mapping[str, Mapping[str, str]] = {
    "recipes/pancakes.txt": {"cups of flour": "1 1/2", "eggs": "2", "cups of milk": "1"},
    "recipes/waffles.txt": {"cups of flour": "3/4", "eggs": "2", "cups of milk": "1/2"},
}


@attrs.define(kw_only=True)
class Outcome:
    """What came of one issue: ``steps`` are the turns it took, ``right_steps`` those that went well."""

    issue: str
    status: str = "ready"
    verified: str = ""
    right: bool = False
    steps: int = 0
    right_steps: int = 0
    minutes: float = 0.0


def prepared(folder: Path, issues: Sequence[str], temperature: float, seed: int, calling: str) -> Path:
    """Copy the demo with an environment of its own, without the issues that are not asked for."""
    shutil.copytree(demo_dir(), folder)
    place = folder / "environments" / "local.json"
    told = json.loads(place.read_text())
    told |= {"temperature": temperature, "seed": seed, "timeout": 1800}
    if calling:
        told["params"] = {"calling": calling}
    place.write_text(json.dumps(told))
    epic = folder / "epics" / "demo.json"
    card = json.loads(epic.read_text())
    card["issues"] = [one for one in card["issues"] if one["id"] in issues]
    epic.write_text(json.dumps(card))
    return epic


def driven(folder: Path, epic: Path, model: str, data: Path, workspace: Path) -> Iterator[dict[str, object]]:
    """Run it to its end and read the events as they come."""
    words = [sys.executable, "-m", "orket", "run", str(epic), "--model", model, "--json"]
    places = ["--model-dir", str(folder), "--data-dir", str(data), "--workspace", str(workspace)]
    with subprocess.Popen([*words, *places], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)


def taken_down(events: Iterator[dict[str, object]], issues: Sequence[str]) -> dict[str, Outcome]:
    """Fold the events into what came of each issue."""
    found = {one: Outcome(issue=one) for one in issues}
    began: dict[str, datetime] = {}
    for event in events:
        data = event["data"]
        assert isinstance(data, dict)
        if (it := found.get(str(data.get("card_id")))) is None:
            continue
        at = datetime.fromisoformat(str(event["at"]))
        began.setdefault(it.issue, at)
        match event["kind"]:
            case "CardStatusChanged":
                it.status = str(data["status"])
            case "VerificationFinished":
                results = data["result"]["results"]
                passed = sum(one["status"] == "pass" for one in results)
                it.verified = f"{passed} of {len(results)}"
                it.right = passed == len(results)
            case "TurnFinished":
                it.steps += 1
                it.right_steps += data["outcome"] in ("continue", "settled")
        it.minutes = (at - began[it.issue]).total_seconds() / 60
    return found


def recipes_right(workspace: Path) -> bool:
    """Whether both recipes say what the issue says, in whatever order."""
    for place, wanted in RECIPES.items():
        try:
            lines = (workspace / place).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return False
        if dict(line.split(": ", 1) for line in lines if ": " in line) != wanted:
            return False
    return True


def one_run(
    model: str, issues: Sequence[str], *, temperature: float, seed: int, calling: str
) -> list[Outcome]:
    """Run the demo once."""
    with TemporaryDirectory(prefix="orket-issues-") as name:
        root = Path(name)
        epic = prepared(root / "model", issues, temperature, seed, calling)
        work = root / "work"
        found = taken_down(driven(root / "model", epic, model, root / "data", work), issues)
        if "KIT-2" in found:
            found["KIT-2"].right = recipes_right(work)
    for one in found.values():
        one.right = one.right and one.status == "done"
    return list(found.values())


def measure(given: argparse.Namespace) -> int:
    """Run with every seed, and print."""
    rows: list[tuple[str, list[Outcome]]] = []
    for model in given.models:
        outcomes: list[Outcome] = []
        for seed in given.seeds:
            began_s = time.monotonic()
            for one in one_run(
                model, given.issues, temperature=given.temperature, seed=seed, calling=given.calling
            ):
                outcomes.append(one)
                told = {"model": model, "seed": seed, **attrs.asdict(one), "minutes": round(one.minutes, 1)}
                print(json.dumps(told), flush=True)
            print(
                json.dumps({"seed": seed, "minutes": round((time.monotonic() - began_s) / 60, 1)}), flush=True
            )
        rows.append((model, outcomes))
    print("\n| Model | " + " | ".join(given.issues) + " | steps right | minutes an issue |")
    print("|---|" + "---|" * (len(given.issues) + 2))
    for model, outcomes in rows:
        print(_row(model, outcomes, given.issues))
    needed = [one for _, outcomes in rows for one in outcomes if one.issue in given.need]
    return 0 if all(one.right for one in needed) else 1


def _row(model: str, outcomes: Sequence[Outcome], issues: Sequence[str]) -> str:
    cells = []
    for issue in issues:
        those = [one for one in outcomes if one.issue == issue]
        cells.append(f"{sum(one.right for one in those)} of {len(those)}")
    steps, right = sum(one.steps for one in outcomes), sum(one.right_steps for one in outcomes)
    minutes = sum(one.minutes for one in outcomes) / max(1, len(outcomes))
    return f"| `{model}` | {' | '.join(cells)} | {right} of {steps} | {minutes:.1f} |"


def main() -> int:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models.issues", description=__doc__)
    parser.add_argument("models", nargs="+", help="such as local:qwen2.5-coder-1.5b")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)
    parser.add_argument("--issues", nargs="+", choices=ALL, default=list(ISSUES))
    parser.add_argument("--calling", choices=("", "schema", "native"), default="")
    parser.add_argument("--need", nargs="*", choices=ALL, default=[])
    os.environ.setdefault("ORKET_LOCAL_THREADS", "1")
    return measure(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
