"""``orket --url``: the same commands, carried out by an engine that is reached over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orket.bootstrap import make_key
from orket.domain import events as e
from orket.domain.keys import Scope
from orket.interfaces.cli.app import main
from orket.interfaces.cli.engines import is_near
from orket.orchestration.messages import PauseRun
from orket.settings import load_settings
from tests.orket.interfaces.engines import DONE
from tests.orket.interfaces.serving import Served, served


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bridge")) as running:
        yield running


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without a database, so that nothing can be answered from here."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("place", ["before", "behind", "environment"])
def test_looking_and_commanding(
    bridge: Served, place: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = bridge.run()

    def orket(*words: str) -> str:
        if place == "environment":
            monkeypatch.setenv("ORKET_URL", bridge.url)
        here = {"before": (f"--url={bridge.url}", *words), "behind": (*words, "--url", bridge.url)}
        code = main(list(here.get(place, words)))
        told = capfd.readouterr()
        assert code == 0, told.err
        return str(told.out)

    assert run in orket("runs")
    assert f"run {run}: paused" in orket("pause", run)
    assert isinstance(bridge.house.script.heard[-1], PauseRun)
    bridge.append(run, DONE)
    told = [json.loads(line) for line in orket("events", run, "--json").splitlines()]
    assert [one["seq"] for one in told] == bridge.seqs(run)


def test_a_run_is_followed_to_its_end(bridge: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """The engine of the test does no work: the run is paused already when it is looked at."""
    bridge.house.script.after_start = [e.RunPaused(by="ada")]
    try:
        assert main(["--url", bridge.url, "run", "ledger_cli", "--json"]) == 1
    finally:
        bridge.house.script.after_start = []
    kinds = [json.loads(line)["kind"] for line in capfd.readouterr().out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("RunAccepted", "RunPaused")


def test_what_is_recommended_goes_to_the_same_bridge(
    bridge: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    run = bridge.run(e.RunPaused(by="ada"))
    assert main(["cards", run, "--url", bridge.url]) == 0
    assert f"orket resume {run} --url {bridge.url}" in capfd.readouterr().out


def test_the_key_of_the_environment_is_sent(
    bridge: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _, reader = make_key(bridge.house.orket.keys, "reader", (Scope.READ,))
    monkeypatch.setenv("ORKET_KEY", reader)
    assert main(["--url", bridge.url, "runs"]) == 0
    assert main(["--url", bridge.url, "halt"]) == 1
    refused = capfd.readouterr().err
    assert "has not the scope 'operate'" in refused
    assert reader not in refused
    monkeypatch.setenv("ORKET_KEY", "orket_00000000_wrong")
    assert main(["--url", bridge.url, "runs"]) == 1
    assert "orket keys" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--url", "ftp://x", "runs"], 2, "is no address of a bridge"),
        (["--url", "http://127.0.0.1:1", "runs"], 1, "no answer from http://127.0.0.1:1"),
        (
            ["--url", "http://127.0.0.1:1", "keys", "create", "x"],
            2,
            "orket keys create works on this machine only",
        ),
        (["ledger", "export", "--url=http://127.0.0.1:1"], 2, "ledger export works on this machine only"),
    ],
)
def test_what_cannot_be_meant_is_said(
    words: list[str], code: int, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    assert told in capfd.readouterr().err


@pytest.mark.parametrize(
    ("url", "near"),
    [("", True), ("http://localhost:1", True), ("http://[::1]:1", True), ("https://x", False)],
)
def test_paths_are_made_whole_for_engines_of_this_machine_only(url: str, near: bool, tmp_path: Path) -> None:
    assert is_near(load_settings({"ORKET_URL": url}, tmp_path)) is near
