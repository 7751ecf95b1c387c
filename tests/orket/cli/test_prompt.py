"""``orket prompt`` and ``orket memory search`` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from orket.interfaces.cli.app import main
from tests.orket.kit import call, issue, reply, status
from tests.orket.orchestration.test_notes import house


@attrs.frozen
class Told:
    code: int
    out: str
    err: str


Here = Callable[..., Told]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process, where A is done, has remembered something, and B is blocked."""
    monkeypatch.chdir(tmp_path)

    def tell(*words: str) -> Told:
        capfd.readouterr()
        code = main(words)
        return Told(code, *capfd.readouterr())

    lines = [
        reply("A", 1, call("remember", text="Amounts are whole\x1b[31m cents."), status("code_review")),
        reply("A", 2, status("done")),
        reply("B", 1, status("blocked", wait_reason="input", reason="why")),
    ]
    _, epic = house(tmp_path, [issue("A"), issue("B", "A", description="Add amounts.")], lines)
    assert tell("run", str(epic), "--workspace", "w", "--json").code == 1
    return tell


def test_the_next_prompt_is_shown_with_its_sources(here: Here) -> None:
    told = here("prompt", "B")
    assert told.code == 0
    assert "B turn 2: work by seat builder as builder_role" in told.out
    assert "words   default/2, hash " in told.out
    assert "the run is blocked: nothing more is sent in it" in told.out
    for part in ("CARD SYSTEM PROTOCOL", "project memory", "history of this card: its own work"):
        assert part in told.out
    assert "Amounts are whole\\x1b[31m cents. (builder, card A)" in told.out
    assert "\x1b" not in told.out
    said = json.loads(here("prompt", "B", "--json").out)
    assert said["messages"][0]["role"] == "system"
    assert sum(one["message"] == 0 for one in said["parts"]) >= 4


def test_a_turn_that_was_sent_is_shown_as_it_was_recorded(here: Here) -> None:
    (run,) = (json.loads(line)["id"] for line in here("runs", "--json").out.splitlines())
    told = here("prompt", run[:5], "A", "--turn", "2")
    assert told.code == 0
    assert [one["role"] for one in json.loads(told.out)["messages"]] == ["system", "user"]
    assert "turn 2 of A, seat guard" in told.err
    assert "words default/2" in told.err


def test_the_first_prompt_of_a_card_file_is_shown_before_any_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [reply("A", 1, status("code_review")), reply("A", 2, status("done"))]
    _, epic = house(tmp_path, [issue("A", note="small")], lines)
    assert main(["prompt", str(epic), "A", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert not (tmp_path / ".orket").exists()
    assert main(["run", str(epic), "--workspace", "w", "--json"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    first = next(one["data"] for one in events if one["kind"] == "TurnStarted")
    assert (said["turn"], said["prompt"], said["prompt_version"]) == (
        1,
        first["prompt"],
        first["prompt_version"],
    )
    assert main(["prompt", str(epic), "Z"]) == 2
    assert "no issue 'Z'" in capfd.readouterr().err
    assert main(["prompt", "nowhere.json", "A"]) == 2
    assert main(["prompt", str(epic), "A", "--turn", "1"]) == 2


def test_memory_is_searched_by_words(here: Here) -> None:
    told = here("memory", "search", "CENTS")
    assert told.code == 0
    assert "A, builder: Amounts are whole [31m cents." in told.out
    assert json.loads(here("memory", "search", "--json").out)["text"] == "Amounts are whole\x1b[31m cents."
    nothing = here("memory", "search", "floats")
    assert (nothing.code, nothing.out) == (0, "")
    assert "nothing is remembered about that" in nothing.err


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("prompt", "Z"), 2, "no issue 'Z'; its issues: A, B"),
        (("prompt", "A"), 1, "A is done: no prompt follows"),
        (("prompt", "zzz", "A"), 2, "no run begins with 'zzz'"),
        (("prompt", "A", "--turn", "9"), 2, "A has had turns 1 to 2"),
        (("prompt", "Z", "--turn", "1"), 2, "no turn of a card 'Z'"),
        (("memory", "search", '"*('), 2, "holds no word"),
        (("memory", "search", "--limit", "0"), 2, "from 1 to 500"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    here: Here, words: tuple[str, ...], code: int, complaint: str
) -> None:
    told = here(*words)
    assert (told.code, told.out) == (code, "")
    assert complaint in told.err


@pytest.mark.parametrize("words", [("prompt", "B"), ("memory", "search")])
def test_another_machine_is_not_answered_for(
    here: Here, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_URL", "http://127.0.0.1:9")
    told = here(*words)
    assert (told.code, told.out) == (1, "")
    assert "no answer from http://127.0.0.1:9" in told.err
