"""Child processes: each measurement has a fresh one, and answers in JSON lines."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class ChildFailed(Exception):
    """A child of our own did not finish: there is no figure to report."""


def lines_of(python: str, module: str, order: object, limit_s: float) -> tuple[list[dict[str, Any]], str]:
    """Run ``python -m module ORDER``; the JSON objects it printed, and how it failed ("" if it did not)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command: Sequence[str] = [python, "-m", module, json.dumps(order)]
    with TemporaryFile() as printed, TemporaryFile() as complaints:
        try:
            code = subprocess.run(
                command,
                stdout=printed,
                stderr=complaints,
                timeout=limit_s,
                check=False,
                env=environment,
            ).returncode
            failure = f"exit code {code}" if code else ""
        except subprocess.TimeoutExpired:
            failure = f"took longer than {limit_s:g} s"
        printed.seek(0)
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip().splitlines()
        if failure and said:
            failure = f"{failure}: {said[-1][:200]}"
        # A peer may print, and a killed child may stop in the middle of a line.
        found = [_object(line) for line in printed.read().splitlines()]
        return [one for one in found if one is not None], failure


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def result_of(python: str, module: str, order: object, limit_s: float) -> dict[str, Any]:
    """The one object that a child of our own answers with.

    Raises:
        ChildFailed: It did not finish; the text says how.
    """
    lines, failure = lines_of(python, module, order, limit_s)
    if failure or not lines:
        raise ChildFailed(f"{module}: {failure or 'no answer'}")
    return lines[-1]
