"""``orket sandbox``: the levels of this machine, and the sandboxes of its runs."""

import json
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
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
