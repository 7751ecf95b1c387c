"""``orket halt | release``, with an engine and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
from tests.orket.cli.assets import FINISH, LONG, model_dir, write
from tests.orket.cli.terminal import line_with, running

Orket = Callable[..., tuple[int, str, str]]


@pytest.fixture
def orket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Orket:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(words)
        return code, *capfd.readouterr()

    return call


def test_a_running_engine_is_halted_and_stays_so_when_it_is_gone(tmp_path: Path, orket: Orket) -> None:
    epic = model_dir(tmp_path / "model", [LONG, FINISH])
    with running("serve", "--port", "0", cwd=tmp_path) as engine:
        line_with(engine, "serving", of="stderr")
        with running("run", str(epic), "--workspace", "w", "--json", cwd=tmp_path) as follower:
            run = json.loads(line_with(follower, "RunAccepted"))["run_id"]
            line_with(follower, '"ToolCallIntended"')
            code, out, err = orket("halt", "--reason", "fire")
            assert (code, out) == (0, "engine halted: 1 running run held still\n"), err
            assert "until: orket release" in err
            follower.kill()
        engine.terminate()
        assert engine.wait(timeout=20) == 0
    code, _, err = orket("run", str(epic), "--workspace", "v")
    assert (code, "the engine is halted" in err) == (1, True)
    assert orket("release")[:2] == (0, "engine released: 1 run to go on\n")
    assert orket("release")[0] == 1
    resumed = orket("resume", run)
    assert resumed[0] == 0, resumed


def test_nothing_starts_when_an_idle_database_is_halted(tmp_path: Path, orket: Orket) -> None:
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH])
    assert orket("halt")[1] == "engine halted: 0 running runs held still\n"
    assert orket("run", str(epic))[0] == 1
    assert orket("release")[0] == 0
    assert orket("run", str(epic), "--workspace", "w")[0] == 0
