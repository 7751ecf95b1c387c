"""``orket bugs``: a rock is done, its builder has reported a bug."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orket.interfaces.cli.app import main
from tests.orket.kit import Bench, call, issue, plain, reply, status


def test_bugs_that_a_run_of_the_rock_found_are_in_its_phase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = call("create_issue", seat="builder", summary="Wrong sign", type="bug", priority="high")
    lines = [reply("A", 1, found, status("code_review")), reply("A", 2, status("done"))]
    bench = Bench(tmp_path)
    bench.epic([issue("A")], plain("A"))
    rock = bench.write("rocks/all.json", {"id": "ROCK-1", "name": "All", "epics": [{"epic": "work"}]})
    assert main(["bugs"]) == 1  # no database yet
    assert main(["run", str(rock), "--workspace", "w", "--json"]) == 0
    capfd.readouterr()
    assert main(["bugs", "ROCK-1", "--json"]) == 0
    phase = json.loads(capfd.readouterr().out)
    assert (phase["status"], phase["bugs"], phase["days"]) == ("active", [], 7)
    bench.write("scripts/work.json", {"replies": lines})
    main(["run", "model/core/epics/work.json", "--workspace", "v", "--json"])  # the bug itself has no script
    capfd.readouterr()
    assert main(["bugs", "ROCK-1"]) == 0
    told = capfd.readouterr().out
    assert "ROCK-1  active, began " in told
    assert "1 bug, 1 open, 1 critical" in told
    assert "Wrong sign: found " in told
    assert main(["bugs"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 1
    assert main(["bugs", "ROCK-2"]) == 2
    assert "rocks that are done: ROCK-1" in capfd.readouterr().err
