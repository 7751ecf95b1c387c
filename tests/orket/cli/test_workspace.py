"""``orket diff`` and ``orket workspace``, with an engine and without."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
from tests.orket.cli.assets import FINISH, model_dir, write
from tests.orket.cli.terminal import line_with, on_a_terminal, running

COMMAND = (
    "run_command",
    {"argv": ["sh", "-c", "rm old.txt; printf 'a\\0b' > bin; printf '\\033[2J\\n' > esc"]},
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    (project / "old.txt").write_text("old\n")
    (project / "kept.txt").write_text("kept\n")
    return tmp_path


def ran(home: Path, capfd: pytest.CaptureFixture[str]) -> str:
    epic = model_dir(home / "model", [write("sub/new.txt"), COMMAND], [FINISH])
    assert main(["run", str(epic), "--project", "project", "--json"]) == 0
    return str(json.loads(capfd.readouterr().out.splitlines()[0])["run_id"])


def test_a_run_is_looked_at_applied_and_taken_back(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = ran(home, capfd)
    assert main(["diff", run, "--stat"]) == 0
    told = capfd.readouterr().out.splitlines()
    assert told == ["added   bin", "added   esc", "removed old.txt", "added   sub/", "added   sub/new.txt"]
    assert main(["diff", run, "sub"]) == 0
    patch = capfd.readouterr().out
    assert patch.startswith("diff --git a/sub/new.txt b/sub/new.txt\nnew file mode 100644\n--- /dev/null\n")
    assert main(["diff", run, "kept.txt"]) == 2
    assert "changed nothing there" in capfd.readouterr().err
    assert main(["diff", run, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["project"] == str(home / "project")
    assert document["changes"][2]["change"] == "removed"
    assert main(["diff", run]) == 0
    assert "Binary files /dev/null and b/bin differ" in capfd.readouterr().out
    assert main(["workspace", "apply", run]) == 0
    told_all = capfd.readouterr()
    assert "4 added, 0 changed, 1 removed" in told_all.out
    assert f"orket workspace rollback {run}" in told_all.err
    assert (home / "project/bin").read_bytes() == b"a\0b"
    assert main(["diff", run]) == 0
    assert "nothing was changed" in capfd.readouterr().err
    (home / "project/esc").write_text("mine")
    assert main(["workspace", "rollback", run]) == 1
    assert "esc" in capfd.readouterr().err
    (home / "project/esc").write_text("\x1b[2J\n")
    assert main(["workspace", "rollback", run, "--json"]) == 0
    kinds = [json.loads(line)["kind"] for line in capfd.readouterr().out.splitlines()]
    assert kinds == ["WorkspaceRollingBack", "WorkspaceRolledBack"]
    assert sorted(one.name for one in (home / "project").iterdir()) == ["kept.txt", "old.txt"]
    assert main(["workspace", "discard", run]) == 0
    assert main(["diff", run]) == 1
    assert "was discarded" in capfd.readouterr().err
    assert main(["workspace", "apply", "nosuchrun"]) == 2


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_patch_is_one_that_git_takes(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = ran(home, capfd)
    assert main(["diff", run, "sub"]) == 0
    patch = capfd.readouterr().out
    subprocess.run(["git", "apply"], input=patch.encode(), cwd=home / "project", check=True)
    assert (home / "project/sub/new.txt").exists()


def test_what_a_run_wrote_does_not_steer_the_terminal(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = ran(home, capfd)
    code, told = on_a_terminal("diff", run, "esc", cwd=home)
    assert code == 0
    assert "\x1b[2J" not in told
    assert "+\N{REPLACEMENT CHARACTER}[2J" in told


def test_the_running_engine_does_it(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = ran(home, capfd)
    with running("serve", "--port", "0", cwd=home) as engine:
        line_with(engine, "serving", of="stderr")
        assert main(["diff", run, "--stat"]) == 0
        assert main(["workspace", "apply", run]) == 0
        assert (home / "project/sub/new.txt").exists()
        assert main(["workspace", "apply", run]) == 0  # nothing more to do
        assert main(["workspace", "rollback", run, "--to", "0"]) == 0
        assert not (home / "project/sub").exists()
        (home / "project/old.txt").write_text("mine")
        capfd.readouterr()
        assert main(["workspace", "apply", run]) == 1
        assert "old.txt (it was changed since the run began)" in capfd.readouterr().err
        assert main(["workspace", "discard", run]) == 0
        engine.terminate()
        assert engine.wait(timeout=20) == 0


def test_the_summary_says_what_changed_and_what_can_be_done(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    epic = model_dir(home / "model", [write("new.txt")], [FINISH])
    assert main(["run", str(epic), "--project", "project"]) == 0
    told = capfd.readouterr().out
    assert f"Files in a view of {home / 'project'}\n  new.txt  " in told
    assert "kept.txt" not in told
    assert "orket workspace apply " in told


def test_a_project_and_a_workspace_are_not_both(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    epic = model_dir(home / "model", [write("a.txt")], [FINISH])
    assert main(["run", str(epic), "--project", "project", "--workspace", "w"]) == 1
    assert "name one of them" in capfd.readouterr().err
