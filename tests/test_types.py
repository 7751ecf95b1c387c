"""Both packages and the scripts pass mypy strict, with the settings of ``pyproject.toml``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))


def mypy(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mypy", *arguments],
        cwd=cwd,
        env={**os.environ, "MYPYPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(300)  # without a cache it reads every dependency's types
def test_mypy_strict() -> None:
    result = mypy()
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(300)
def test_mypy_strict_scripts() -> None:
    result = mypy("--config-file", str(ROOT / "pyproject.toml"), *map(str, SCRIPTS))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(300)
def test_mypy_strict_can_fail(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("def f(x):\n    return x\n", encoding="utf-8")
    result = mypy("--config-file", str(ROOT / "pyproject.toml"), str(planted), cwd=tmp_path)
    assert "no-untyped-def" in result.stdout, result.stdout + result.stderr
