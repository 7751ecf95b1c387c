"""``orket fork``, with an engine and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
from tests.orket.cli.assets import FINISH, model_dir, write
from tests.orket.cli.terminal import line_with, running

TRUE = ("run_command", {"argv": ["true"]})


def test_a_run_is_forked_and_it_is_said_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    epic = model_dir(tmp_path / "model", [write("a.txt"), TRUE], [FINISH])
    assert main(["run", str(epic), "--workspace", "w", "--json"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    run = events[0]["run_id"]
    second = [one["seq"] for one in events if one["kind"] == "TurnStarted"][1]
    code = main(["fork", run, "--at", str(second), "--workspace", "v", "--node", "planner_node=default"])
    told = capfd.readouterr()
    assert code == 0, told
    assert (
        f"event {second} is no turn boundary of all cards; the fork begins after event {second - 1}"
        in told.err
    )
    assert "1 file written again; 1 command not repeated" in told.err
    assert (tmp_path / "v" / "a.txt").exists()
    assert main(["fork", run, "--at", "9999", "--node", "planner"]) == 2
    once = ["fork", run, "--at", str(second), "--workspace", "x", "--key", "once", "--json"]
    forks = set()
    for _ in range(2):
        assert main(once) == 0
        forks.add(json.loads(capfd.readouterr().out.splitlines()[0])["run_id"])
    assert len(forks) == 1
    assert main([*once, "--model", "scripted:none.json"]) == 1
    assert "another command" in capfd.readouterr().err
    assert main([*once[:-2], "é"]) == 2
    with running("serve", "--port", "0", cwd=tmp_path) as engine:
        line_with(engine, "serving", of="stderr")
        capfd.readouterr()
        assert main(["fork", run, "--at", str(second - 1), "--workspace", "u", "--json"]) == 0
        assert json.loads(capfd.readouterr().out.splitlines()[0])["data"]["forked_from"] == run
        assert main(once) == 0
        assert json.loads(capfd.readouterr().out.splitlines()[0])["run_id"] in forks
        engine.terminate()
        assert engine.wait(timeout=20) == 0
    assert (tmp_path / "u" / "a.txt").exists()
