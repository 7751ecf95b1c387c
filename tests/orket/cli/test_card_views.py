"""``orket card`` and ``orket why-blocked`` on a real run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from orket.interfaces.cli.app import main
from tests.orket.kit import Bench, call, issue, plain, reply, status


@attrs.frozen
class Told:
    code: int
    out: str
    err: str


Here = Callable[..., Told]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process, where a run has got stuck: A asks for input, B and C wait for it."""
    monkeypatch.chdir(tmp_path)

    def tell(*words: str) -> Told:
        capfd.readouterr()
        code = main(words)
        return Told(code, *capfd.readouterr())

    stuck = [
        call("add_issue_comment", comment="which bank?\n\x1b[31mred"),
        status("blocked", wait_reason="input", reason="the bank is not named"),
    ]
    epic = Bench(tmp_path).epic(
        [issue("A"), issue("B", "A"), issue("C", "B", priority="high"), issue("D")],
        [reply("A", 1, *stuck), *plain("D")],
    )
    assert tell("run", str(epic), "--workspace", "w", "--json").code == 1
    return tell


def test_why_blocked_names_chains_scores_and_what_frees_most(here: Here) -> None:
    told = here("why-blocked")
    assert told.code == 1
    assert "3 cards of 4 do not move" in told.out
    assert "critical 1 card waits for a person (human_attention_threshold)" in told.out
    lines = told.out.splitlines()
    scores = [(line.split()[0], line.split()[-1]) for line in lines if ", score " in line]
    assert scores == [("A", "4"), ("B", "3"), ("C", "3")]
    assert "     └─ A blocked: input: the bank is not named" in lines
    assert (
        "1. A (score 4): the run is over: settle it, and run the card again or fork the run; frees A, B, C"
        in lines
    )


def test_why_blocked_about_one_card_and_as_json(here: Here) -> None:
    (run,) = (json.loads(line)["id"] for line in here("runs", "--json").out.splitlines())
    said = json.loads(here("why-blocked", run[:4], "C", "--json").out)
    assert said["run_id"] == run
    assert said["level"] == "critical"
    ((chain,),) = (one["chains"] for one in said["blocked"])
    assert [link["card_id"] for link in chain["links"]] == ["C", "B", "A"]
    free = here("why-blocked", run, "D")
    assert (free.code, free.out.splitlines()[0].partition(": ")[2]) == (
        0,
        "D is done; nothing keeps it from moving",
    )


def test_a_card_is_shown_with_everything_about_it(here: Here) -> None:
    (run,) = (json.loads(line)["id"] for line in here("runs", "--json").out.splitlines())
    told = here("card", run, "A")
    assert told.code == 0
    for wanted in (
        "waits for  input: the bank is not named",
        "in_progress → blocked (input: the bank is not named)",
        "which bank?",
        "A/1/1  builder: update_issue_status ok, allow by role_tools",
        "1. A (score 4): the run is over: settle it, and run the card again or fork the run; frees A",
    ):
        assert wanted in told.out
    assert "\x1b" not in told.out
    assert "depends on A" in " ".join(here("card", run, "B").out.split())
    whole = json.loads(here("card", run, "A", "--json").out)
    assert whole["card"]["wait_reason"] == "input"
    assert whole["why"]["roots"][0]["frees"] == ["A"]
    assert json.loads(here("card", run, "EPIC-work", "--json").out)["why"] is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("card", "RUN", "Z"), "no card 'Z'; its cards: EPIC-work, A, B, C, D"),
        (("card", "zzz", "A"), "no run begins with 'zzz'"),
        (("why-blocked", "zzz"), "no run begins with 'zzz'"),
        (("why-blocked", "RUN", "EPIC-work"), "no issue 'EPIC-work'; its issues: A, B, C, D"),
    ],
)
def test_unknown_names_are_refused(here: Here, words: tuple[str, ...], complaint: str) -> None:
    (run,) = (json.loads(line)["id"] for line in here("runs", "--json").out.splitlines())
    told = here(*(run if word == "RUN" else word for word in words))
    assert told.code == 2
    assert complaint in told.err
    assert not told.out
