"""The sandbox benchmark measures every level that works, and counts what is left."""

import json
from pathlib import Path

import pytest

from benchmarks.sandbox import cli


def test_it_measures_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "AT_ONCE", 4)
    assert cli.main(["--short", "--out", str(tmp_path / "out.json")]) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert {"process"} <= {one["driver"] for one in result["rows"]} | set(result["missing"])
    assert all((one["at_once_ok"], one["left_processes"]) == (4, 0) for one in result["rows"])
    assert "| `process` |" in capsys.readouterr().out
