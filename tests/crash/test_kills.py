"""The short form of the kill campaign; the long ones are ``python -m tests.long --only kills``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.timeout(120)
def test_killed_engines_lose_nothing_repeat_nothing_and_strand_nothing(tmp_path: Path) -> None:
    """A process of its own: engines are forked, which wants a parent without threads."""
    command = [sys.executable, "-m", "tests.crash", "--kills", "12", "--seed", "7", "--limit", "30"]
    told = subprocess.run(
        [*command, "--out", str(tmp_path / "tally")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    tally = json.loads((tmp_path / "tally").read_text())
    assert tally["kills"] >= 6
    assert tally["effects"] > 0
    assert tally["acknowledged_events"] > 0
