"""The command measures, judges, and writes a result of a known shape."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.actors import cli
from benchmarks.actors.children import ChildFailed, lines_of, result_of
from benchmarks.actors.targets import judge_fairness, judge_loop, judge_memory, judge_peers

ROOT = Path(__file__).parent.parent.parent


def figures(**minima: float) -> dict[str, dict[str, float]]:
    return {name.replace("_", ", "): {"min_us": value, "median_us": value} for name, value in minima.items()}


def test_a_small_run_writes_json_and_prints_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    options = [
        "--short",
        "--loops",
        "asyncio",
        "--workloads",
        "tell,ask",
        "--repetitions",
        "1",
        "--no-memory",
    ]
    assert main(["actors", *options, "--out", str(out), "--plot", "-"]) == 0
    result = json.loads(out.read_text())
    assert result["command"] == "python -m benchmarks actors " + " ".join([*options, "--plot", "-"]).replace(
        " --plot -", ""
    )
    assert result["short"] is True
    assert {"python", "anyio", "trio"} <= set(result["versions"])
    assert {"cores", "processor", "system"} <= set(result["machine"])
    (run,) = result["runs"]
    assert set(run["loops"]["asyncio"]) == {"tell", "ask"}
    assert {"actors", "anyio", "method call"} <= set(run["loops"]["asyncio"]["tell"])
    assert {verdict["row"] for verdict in run["targets"]} >= {"tell", "ask", "user messages after stop"}
    assert all({"row", "loop", "value", "sense", "target", "pass"} == set(one) for one in run["targets"])
    assert str(tmp_path) not in out.read_text()
    assert "user messages after stop" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [["--loops", "twisted"], ["--workloads", "sleep"], ["--peers", "nobody"], ["--repetitions", "0"]],
    ids=lambda options: options[0],
)
def test_unknown_names_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(options)
    assert refused.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_unknown_command_lists_the_known() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "actors" in result.stderr


def test_targets_are_judged_by_the_ratio_to_the_naive_loop() -> None:
    found = list(judge_loop("trio", {"tell": figures(actors=1.0, anyio=5.9)}))
    assert [(one["value"], one["target"], one["pass"]) for one in found] == [(5.9, 6.0, False)]
    asks = figures(actors=1.0, anyio=9.0, actors_timeout=1.1)
    assert [one["pass"] for one in judge_loop("asyncio", {"ask": asks})] == [True, True]


def test_fairness_and_memory_have_bounds() -> None:
    fair = {"longest_run": 65, "handled_after_stop": 0, "smallest_share": 0.8}
    assert [one["pass"] for one in judge_fairness("asyncio", fair)] == [False, True, True]
    idle = [{"loop": "trio", "count": 10, "state": "never messaged", "bytes": 1025}]
    assert [one["pass"] for one in judge_memory(idle)] == [False]


def test_peers_that_call_directly_are_excepted_in_sequential_ask_alone() -> None:
    peers = {
        "actors": {"median": {"ask": 2.0, "tell": 2.0}},
        "anyio": {"median": {"ask": 1.0, "tell": 1.0}},
        "xoscar": {"median": {"ask": 1.0, "tell": 1.0}},
        "pykka": {"median": {"ask": 3.0}},
    }
    found = {one["row"]: one["pass"] for one in judge_peers(peers)}
    assert found == {"ask: ahead of pykka": True, "tell: ahead of xoscar": False}


def test_a_child_that_fails_says_how() -> None:
    lines, failure = lines_of(sys.executable, "benchmarks.actors.nowhere", {}, 30)
    assert lines == []
    assert "No module named" in failure
    with pytest.raises(ChildFailed, match="nowhere"):
        result_of(sys.executable, "benchmarks.actors.nowhere", {}, 30)
