"""What the README promises is what ``.ci/run`` does, and the workflow names scripts that exist."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import yaml

from orket.interfaces.cli.app import build

ROOT = Path(__file__).parent.parent.parent
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "quality.yml").read_text(encoding="utf-8"))


def commands() -> list[str]:
    """The set-up commands of the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(python -m pip .*?)```", readme, re.DOTALL)
    return block.strip().splitlines()


def test_the_two_commands_of_the_readme_are_run_as_they_stand() -> None:
    assert len(commands()) == 2
    assert re.findall(r"^step '(.*)'$", CI, re.MULTILINE) == commands()


def test_ci_is_executable() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_workflow_has_its_three_jobs_and_uploads_the_evidence() -> None:
    jobs = WORKFLOW["jobs"]
    assert list(jobs) == ["quality", "docker_smoke", "migration_smoke"]
    uploads = [
        step["with"]["path"] for step in jobs["quality"]["steps"] if "upload-artifact" in step.get("uses", "")
    ]
    assert uploads == ["benchmarks/results/*.json"]


def test_the_scripts_named_by_the_workflow_exist() -> None:
    runs = " ".join(step.get("run", "") for job in WORKFLOW["jobs"].values() for step in job["steps"])
    named = re.findall(r"(?:scripts/\w+\.py|\.ci/run)", runs)
    assert {"scripts/release_smoke.py", "scripts/churn_report.py", ".ci/run"} <= set(named)
    assert all((ROOT / name).is_file() for name in named)


def test_constraints_are_exact_and_without_addresses() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line) for line in pins)
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in pins]
    assert len(names) == len(set(names))


def test_the_image_serves_with_a_command_that_exists_and_not_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    commands = [json.loads(line.partition("CMD ")[2]) for line in lines if "CMD [" in line]
    assert len(commands) == 2
    for program, *words in commands:
        assert program == "orket"
        build().parse_args(words, exit_on_error=False, print_error=False)
    assert "USER orket" in lines
