"""Everything is formatted and linted by ruff, with the settings of ``pyproject.toml``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff(command: tuple[str, ...]) -> None:
    result = ruff(*command)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_can_fail(command: tuple[str, ...], tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text('"""Planted."""\nimport os ;\n', encoding="utf-8")
    assert ruff(*command, "--config", str(ROOT / "pyproject.toml"), str(planted)).returncode == 1
