"""The release smoke test says what it skipped, and its exit code tells the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "release_smoke.py"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where no other program can be found, a container engine least of all."""
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={"PATH": str(folder), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_container_engine_the_step_is_skipped_and_said_so(tmp_path: Path) -> None:
    ran = run(tmp_path, "--only", "container")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "skipped: no container engine answers here" in ran.stdout
    assert ran.stdout.rstrip().rpartition("\n")[2].startswith("[release-smoke] SUCCESS")


def test_a_required_container_engine_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    ran = run(tmp_path, "--only", "container", "--require-docker")
    assert ran.returncode == 1
    assert "FAILED" in ran.stdout
    assert ran.stdout.rstrip().rpartition("\n")[2].startswith("[release-smoke] FAILURE")


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    run(tmp_path, "--only", "container")
    assert list(tmp_path.iterdir()) == []


def test_what_is_skipped_is_not_done(tmp_path: Path) -> None:
    ran = run(tmp_path, "--only", "container", "--skip-docker")
    assert ran.returncode == 0
    assert "container" not in ran.stdout


@pytest.mark.parametrize("arguments", [("--only", "everything"), ("--docker-port", "many")])
def test_bad_arguments_end_in_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(tmp_path, *arguments).returncode == 2
