"""The migration script on fresh, current, locked and foreign databases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orket.infrastructure.lock import EngineLock

SCRIPT = Path(__file__).parents[2] / "scripts" / "run_migrations.py"


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_a_fresh_database_and_then_a_current_one(tmp_path: Path) -> None:
    first, second = (run("--db", "new/orket.db", cwd=tmp_path) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.splitlines()[:2] == ["Applied 0001_ledger", "Applied 0002_projections"]
    assert second.stdout == first.stdout.replace("Applied", "Skipped")
    assert (tmp_path / "new" / "orket.db").exists()


def test_without_a_path_it_takes_the_usual_place(tmp_path: Path) -> None:
    assert run(cwd=tmp_path).returncode == 0
    assert (tmp_path / ".orket" / "durable" / "orket.db").exists()


def test_a_database_in_use_is_left_alone(tmp_path: Path) -> None:
    with EngineLock(tmp_path / "orket.db"):
        done = run("--db", "orket.db", cwd=tmp_path)
    assert done.returncode == 1
    assert "in use by process" in done.stderr
    assert not (tmp_path / "orket.db").exists()


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "orket.db").write_text("a text, and a long one at that; " * 100)
    done = run("--db", "orket.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "not migrated" in done.stderr


def test_wrong_usage(tmp_path: Path) -> None:
    assert run("--database", "x", cwd=tmp_path).returncode == 2
