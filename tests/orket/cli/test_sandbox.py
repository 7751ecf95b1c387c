"""``orket sandbox``: the levels of this machine, and the sandboxes of its runs."""

import json
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
from orket.interfaces.cli.exits import BadInput
from orket.interfaces.cli.projects import seconds
from tests.orket.cli.assets import FINISH, model_dir, write


def test_the_levels_are_tried(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "doctor", "--json"]) == 0
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(one["driver"], one["level"]) for one in told] == [
        ("process", 0),
        ("landlock", 1),
        ("bubblewrap", 2),
        ("compose", 3),
    ]
    assert all(one["states"] if one["ok"] else one["reason"] and one["remedy"] for one in told)
    assert main(["sandbox", "doctor"]) == 0
    assert "0 process" in capfd.readouterr().out


def test_each_run_tells_the_level_it_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH])
    assert main(["run", str(epic), "--workspace", "w"]) == 0
    capfd.readouterr()
    assert main(["sandbox", "list", "--json"]) == 0
    (one,) = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert one["status"] == "deleted"
    assert (one["driver"], one["level"]) in {("process", 0), ("bubblewrap", 2)}
    assert main(["sandbox", "list"]) == 0
    assert "deleted" in capfd.readouterr().out


def test_the_sandbox_of_a_run_tells_what_was_done_there_and_stops_with_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("run_command", {"argv": ["sh", "-c", "echo one; echo two"]})
    epic = model_dir(tmp_path / "model", [command, write("a.txt"), FINISH])
    assert main(["run", str(epic)]) == 0
    capfd.readouterr()
    assert main(["sandbox", "list", "--json"]) == 0
    one = json.loads(capfd.readouterr().out)
    for name in (one["sandbox_id"], one["run_id"]):
        assert main(["sandbox", "logs", name]) == 0
        told = capfd.readouterr().out
        assert "running" in told
        assert "two" in told
        assert "deleted: the run let go of it" in told
    assert main(["sandbox", "logs", one["sandbox_id"], "--lines", "1"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 1
    assert main(["sandbox", "logs", one["sandbox_id"], "--lines", "0"]) == 2
    assert main(["sandbox", "stop", one["sandbox_id"]]) == 0
    assert "is not at work (done)" in capfd.readouterr().out
    assert main(["sandbox", "exec", one["sandbox_id"], "sh"]) == 2
    assert main(["sandbox", "exec", one["sandbox_id"], "sh", "--", "ls"]) == 2
    assert f"orket diff {one['run_id']}" in capfd.readouterr().err


def test_project_sandboxes_need_a_container_engine_and_good_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert main(["sandbox", "create", "rock", "--lease", "soon"]) == 2
    assert main(["sandbox", "create", "rock", "--stack", "cobol"]) == 2
    assert "known: fastapi-react-postgres" in capfd.readouterr().err
    assert main(["sandbox", "create", "rock"]) == 1
    assert "no container engine answers" in capfd.readouterr().err
    assert main(["sandbox", "logs", "none"]) == 2
    assert main(["sandbox", "exec", "none", "api"]) == 2
    assert main(["sandbox", "exec", "none", "api", "--timeout", "0", "--", "ls", "-l"]) == 2
    assert main(["sandbox", "list"]) == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("", None), ("90", 90.0), ("90s", 90.0), ("90m", 5400.0), ("8h", 28_800.0), ("2d", 172_800.0)],
)
def test_a_lease_is_a_length_of_time(typed: str, meant: float | None) -> None:
    assert seconds(typed) == meant


@pytest.mark.parametrize("typed", ["h", "-1h", "1w", "1.5h", " 1h", "1h "])
def test_what_is_no_lease_is_bad_input(typed: str) -> None:
    with pytest.raises(BadInput):
        seconds(typed)
