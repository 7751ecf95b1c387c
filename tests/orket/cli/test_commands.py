"""The real command line on real engines: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from orket.interfaces.cli.app import main
from tests.orket.cli.assets import FINISH, LONG, model_dir, write
from tests.orket.cli.terminal import line_with, on_a_terminal, orket, running

ASK = ({"effect": "ask", "tool": "run_command"},)
TRUE = ("run_command", {"argv": ["true"]})


@attrs.frozen
class Told:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Here = Callable[..., Told]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process, in a directory of its own: quicker than a process, else the same."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Told:
        capfd.readouterr()
        code = main(words)
        return Told(code, *capfd.readouterr())

    return call


def kinds(jsonl: str) -> list[str]:
    return [json.loads(line)["kind"] for line in jsonl.splitlines()]


def the_run(here: Here) -> dict[str, str]:
    (run,) = (json.loads(line) for line in here("runs", "--json").out.splitlines())
    return run


def test_the_demo_runs_anywhere_and_can_be_looked_at_afterwards(tmp_path: Path, here: Here):
    done = orket("demo", "--workspace", "kept", cwd=tmp_path, TMPDIR=str(tmp_path), PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    for part in ("sandbox process (level", "Denied\n", "Failed or tried again\n", "Verification\n", "✔ done"):
        assert part in done.stdout
    assert (tmp_path / "kept" / "kitchen" / "__main__.py").exists()
    _, *show = shlex.split(done.stdout.splitlines()[-1])
    assert "RunFinished" in here(*show, "--limit", "1000").out
    data_dir = show[show.index("--data-dir") + 1]
    assert f"data {data_dir}" in done.stderr
    cards = here("cards", "--json", "--data-dir", data_dir).out
    assert {json.loads(line)["status"] for line in cards.splitlines()} == {"done"}


def test_json_is_one_event_a_line_and_nothing_else(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH])
    done = here("run", str(epic), "--workspace", "w", "--json")
    assert (done.code, done.err) == (0, "")
    assert kinds(done.out)[0] == "RunAccepted"
    assert kinds(done.out)[-1] == "RunFinished"
    run = the_run(here)
    assert run["status"] == "done"
    assert here("events", run["id"][:4], "--json").out.startswith(done.out)
    told = here("events", run["id"], "--after", "3").out.splitlines()
    assert told[0].split()[0] == "4"
    page = here("ledger", "show", run["id"], "--after", "3", "--limit", "2")
    assert len(page.out.splitlines()) == 2
    assert page.err == f"there is more: orket ledger show {run['id']} --after 5\n"


@pytest.mark.parametrize(
    ("seat", "broken", "said"),
    [
        ("nobody", "", "model/epics/small.json#/issues/0/seat: the team 'pair' has no seat 'nobody'"),
        ("builder", "{", "model/epics/small.json: is not valid JSON: line"),
    ],
)
def test_a_bad_asset_names_file_pointer_and_reason(
    tmp_path: Path, here: Here, seat: str, broken: str, said: str
):
    epic = model_dir(tmp_path / "model", seat=seat)
    if broken:
        epic.write_text(broken)
    done = here("run", "model/epics/small.json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"orket: {said}")
    assert len(done.err.splitlines()) == 1


def test_a_terminal_sees_the_tree_and_then_the_summary(tmp_path: Path):
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH])
    code, written = on_a_terminal("run", str(epic), "--workspace", "w", cwd=tmp_path)
    assert code == 0
    assert "\x1b[?25l" in written  # the cursor was hidden …
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")  # … and is back
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert "└─ S-1 Write a file  ✔ done" in plain
    assert plain.rstrip().splitlines()[-1].strip().startswith("orket ledger show ")


def test_a_reader_that_leaves_does_not_stop_the_work(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH])
    command = shlex.join([sys.executable, "-m", "orket", "run", str(epic), "--workspace", "w"])
    piped = ["bash", "-c", f"{command} | head -n 1; exit ${{PIPESTATUS[0]}}"]
    done = subprocess.run(piped, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert the_run(here)["status"] == "done"


def test_ctrl_c_pauses_and_resume_goes_on(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [LONG], [write("a.txt"), FINISH])
    with running("run", str(epic), "--workspace", "w", "--json", cwd=tmp_path) as process:
        line_with(process, '"ToolCallIntended"')
        process.send_signal(signal.SIGINT)
        rest, remarks = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "RunPaused" in kinds(rest)
    assert "is paused" in remarks
    run = the_run(here)["id"]
    assert f"orket resume {run}" in here("cards").out
    resumed = here("resume", run[:5], "--json")
    assert resumed.code == 0, resumed.out
    assert kinds(resumed.out)[0] == "RunResumed"  # what was shown before is not shown again
    assert here("resume", run).code == 1  # it is done, nothing to resume


def test_sigterm_leaves_the_run_open(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [LONG], [write("a.txt"), FINISH])
    with running("run", str(epic), "--workspace", "w", cwd=tmp_path) as process:
        line_with(process, "sandbox process")
        process.terminate()
        _, remarks = process.communicate(timeout=20)
    run = the_run(here)
    assert process.returncode == 143
    assert f"the run can be taken up again with: orket resume {run['id']}" in remarks
    assert run["status"] == "running"


def test_a_call_that_asks_waits_for_the_command_that_is_printed(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [TRUE, FINISH], policy=ASK)
    parked = here("run", str(epic), "--workspace", "w", "--data-dir", "my data")
    assert parked.code == 1
    assert 'arguments: {"argv":["true"]}' in parked.out
    lines = parked.out.splitlines()
    _, *approve = shlex.split(
        next(line for line in lines if line.endswith("--as approve --data-dir 'my data'"))
    )
    decided = here(*approve)
    assert decided.code == 0, decided.out
    assert here(*approve).code == 1  # used once


def test_while_an_engine_runs_every_command_goes_through_it(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [LONG, FINISH])
    with running("serve", "--port", "0", cwd=tmp_path) as engine:
        line_with(engine, "serving", of="stderr")
        with running("run", str(epic), "--workspace", "w", "--json", cwd=tmp_path) as follower:
            run = json.loads(line_with(follower, "RunAccepted"))["run_id"]
            line_with(follower, '"ToolCallIntended"')
            assert "running" in here("runs").out
            assert "sleep 50" in here("cards", run[:3]).out
            assert f"process {engine.pid}" in here("doctor").out
            assert here("pause", run, "--reason", "lunch") == Told(0, f"run {run}: paused\n", "")
            assert follower.wait(timeout=20) == 1
        refused = f"orket: cannot pause run {run}: it is paused; possible: resume, cancel\n"
        assert here("pause", run) == Told(1, "", refused)
        assert here("cancel", run).out == f"run {run}: canceled\n"
        bad = here("run", str(tmp_path / "model" / "none.json"))
        assert bad.code == 2
        assert bad.err.startswith("orket: model/none.json: cannot be read")
        assert here("run", "model/epics/small.json", "--record", "x").code == 2
        assert kinds(here("events", run, "--follow", "--json").out)[-1] == "RunFinished"
        engine.terminate()
        assert engine.wait(timeout=20) == 0


def test_ctrl_c_also_pauses_a_run_of_another_process(tmp_path: Path, here: Here):
    epic = model_dir(tmp_path / "model", [LONG, FINISH])
    with running("serve", "--port", "0", cwd=tmp_path) as engine:
        line_with(engine, "serving", of="stderr")
        with running("run", str(epic), "--workspace", "w", "--json", cwd=tmp_path) as follower:
            line_with(follower, '"ToolCallIntended"')
            follower.send_signal(signal.SIGINT)
            assert follower.wait(timeout=20) == 130
        assert the_run(here)["status"] == "paused"


def test_looking_where_nothing_is_says_so_and_makes_nothing(tmp_path: Path, here: Here):
    done = here("runs")
    assert done.code == 1
    assert "there is no database at" in done.err
    assert list(tmp_path.iterdir()) == []


def test_tools_say_what_they_may_do_and_why_one_is_absent(here: Here):
    told = {one["name"]: one for one in map(json.loads, here("tools", "--json").out.splitlines())}
    assert told["write_file"]["permissions"] == ["write_files"]
    assert told["write_file"]["recovery"] == "idempotent"
    assert told["image_generate"]["absent"], "no folder was named"
    assert "image_generate is not here: " in here("tools").out


def test_nodes_say_who_selected_them(here: Here, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ORKET_TOOL_GATE_NODE", "idesign")
    told = here("nodes", "--json").out
    found = {one["family"]: (one["name"], one["by"]) for one in map(json.loads, told.splitlines())}
    assert found["tool_gate_node"] == ("idesign", "environment")
    assert found["planner_node"] == ("default", "default")
