"""Peers are optional, and what they lack or fail at is said."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.actors.peers import cli
from benchmarks.actors.peers.catalogue import PEERS, Peer, interpreter, select
from benchmarks.actors.peers.install import cache_dir, install
from benchmarks.actors.peers.program import serve
from benchmarks.actors.peers.rounds import Runner, measure_peers
from benchmarks.actors.shapes import WORKLOADS
from benchmarks.actors.watch import Watch

ROOT = Path(__file__).parent.parent.parent


def test_every_peer_has_a_file_of_its_own() -> None:
    folder = ROOT / "benchmarks" / "actors" / "peers"
    assert {f"{peer.module}.py" for peer in PEERS} | {"actors_.py", "anyio_.py"} == {
        path.name for path in folder.glob("[a-z]*_.py")
    }


def test_optional_peers_must_be_named() -> None:
    assert "ray" not in {peer.name for peer in select(None)}
    assert [peer.name for peer in select(["ray"])] == ["ray"]
    with pytest.raises(ValueError, match="unknown peer nobody"):
        select(["nobody"])


def test_the_cache_is_outside_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not cache_dir().is_relative_to(ROOT)
    monkeypatch.setenv("ORKET_BENCHMARKS_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path


def test_a_peer_without_a_python_says_so(tmp_path: Path) -> None:
    assert install(Peer("future", "future", "future_", (9, 0)), tmp_path, None) == (
        "needs Python 9.0 or newer, and none was found"
    )


def test_a_peer_that_is_not_installed_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORKET_BENCHMARKS_CACHE", str(tmp_path))
    assert cli.main(["list"]) == 0
    assert "not installed" in capsys.readouterr().out
    found = measure_peers(select(["pykka"]), tmp_path, {"ask": 2}, rounds=1, repetitions=1)
    assert found["pykka"]["notes"] == {"*": "not installed"}
    assert set(found["actors"]["median"]) == set(found["anyio"]["median"]) == {"ask"}
    assert found["actors"]["version"]
    assert not interpreter(tmp_path, select(["pykka"])[0]).exists()


def test_programs_report_figures_gaps_and_failures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def tell(count: int, watch: Watch) -> None:
        with watch:
            sum(range(count))

    def ask(count: int, watch: Watch) -> None:
        raise LookupError("no such actor")

    order = {"repetitions": 1, "distribution": "anyio", "counts": {"tell": 10, "ask": 10, "crash": 10}}
    monkeypatch.setattr(sys, "argv", ["peer", json.dumps(order)])
    serve({"tell": tell, "ask": ask})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "version" in lines[0]
    results = {line["workload"]: line for line in lines if "workload" in line}
    assert results["tell"]["used"] > 0
    assert results["ask"]["error"] == "LookupError: no such actor"
    assert results["crash"]["lacks"]


def test_a_peer_that_dies_is_noted_and_not_run_again() -> None:
    runner = Runner("gone", "gone", sys.executable, "nowhere")
    runner.round(dict.fromkeys((workload.name for workload in WORKLOADS), 1), 1)
    report = runner.report()
    assert report["median"] == {}
    assert set(report["notes"]) == {workload.name for workload in WORKLOADS}
