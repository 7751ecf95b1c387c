"""``orket approvals | approve | deny``, with an engine and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
from tests.orket.cli.assets import FINISH, model_dir, write
from tests.orket.cli.terminal import line_with, running

ASK = ({"effect": "ask", "tool": "write_file"},)
Orket = Callable[..., tuple[int, str, str]]


@pytest.fixture
def orket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Orket:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(words)
        return code, *capfd.readouterr()

    return call


def test_a_call_is_listed_and_approved_by_the_beginning_of_its_name(tmp_path: Path, orket: Orket) -> None:
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH], policy=ASK)
    assert orket("run", str(epic), "--workspace", "w")[0] == 1
    code, out, err = orket("approvals")
    assert code == 0
    assert "write_file" in out
    (waits,) = (json.loads(line) for line in orket("approvals", "--json")[1].splitlines())
    assert f"orket approve {waits['id']}" in err
    assert orket("approve", "zz")[0] == 1
    code, out, _ = orket("approve", waits["id"][:4])
    assert code == 0, out
    assert (tmp_path / "w" / "a.txt").exists()
    assert "nothing waits" in orket("approvals")[2]
    code, _, err = orket("approve", waits["id"])
    assert (code, f"{waits['id']!r} waits for a person" in err) == (1, True)


def test_a_running_engine_is_told(tmp_path: Path, orket: Orket) -> None:
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH], policy=ASK)
    with running("serve", "--port", "0", cwd=tmp_path) as engine:
        line_with(engine, "serving", of="stderr")
        assert orket("run", str(epic), "--workspace", "w")[0] == 1
        (waits,) = (json.loads(line) for line in orket("approvals", "--json")[1].splitlines())
        assert waits["call"]["tool"] == "write_file"
        code, out, err = orket("deny", waits["call"]["id"])
        assert (code, out) == (0, f"run {waits['run_id']}: running\n"), err
        engine.terminate()
        assert engine.wait(timeout=20) == 0
    assert not (tmp_path / "w" / "a.txt").exists()
