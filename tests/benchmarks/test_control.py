"""The benchmark of control measures a real engine and writes a result of a known shape."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.control.cli import Sample, summary


def test_a_small_run_writes_json_and_prints_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    options = ["--runs", "3", "--samples", "2", "--halts", "1", "--reply-s", "0.01"]
    assert main(["control", *options, "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    assert (result["runs"], result["pause"]["samples"], result["halt"]["samples"]) == (3, 2, 1)
    assert result["pause"]["acknowledged_ms"]["max"] > 0
    assert str(tmp_path) not in out.read_text()
    assert "last_effect_ms" in capsys.readouterr().out


def test_the_quantiles_are_of_the_samples() -> None:
    told = summary([Sample(float(value), 0.0) for value in range(1, 101)])
    assert told["acknowledged_ms"] == {"p50": 51.0, "p99": 100.0, "max": 100.0, "mean": 50.5}
