"""``orket replay``: with an engine and without, reproduced or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orket.domain import events as e
from orket.domain.identifiers import CardId
from orket.domain.replay import Difference
from orket.interfaces.cli.app import main
from orket.interfaces.cli.replay import told
from tests.orket.cli.assets import FINISH, model_dir, write
from tests.orket.cli.terminal import line_with, running


def test_a_run_is_reproduced_with_an_engine_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    epic = model_dir(tmp_path / "model", [write("a.txt"), FINISH])
    card = json.loads(epic.read_text())  # or the words of the prompt would differ first
    epic.write_text(json.dumps({**card, "architecture_governance": {"idesign": False}}))
    assert main(["run", str(epic), "--workspace", "w", "--json"]) == 0
    events = capfd.readouterr().out.splitlines()
    run = json.loads(events[0])["run_id"]
    said = f"run {run}: {len(events)} events reproduced\n"
    assert (main(["replay", run[:5]]), capfd.readouterr().out) == (0, said)
    with running("serve", "--port", "0", cwd=tmp_path) as engine:
        line_with(engine, "serving", of="stderr")
        assert (main(["replay", run]), capfd.readouterr().out) == (0, said)
    monkeypatch.setenv("ORKET_TOOL_GATE_NODE", "idesign")
    assert main(["replay", run]) == 1
    out = capfd.readouterr().out
    assert out.startswith(f"run {run} leaves the record at event ")
    assert "recorded: ToolCallIntended" in out
    assert "policy_version" in out
    assert main(["replay", "none"]) == 2


def test_a_difference_names_place_events_and_fields() -> None:
    card = CardId("A")
    one = e.TurnFinished(card_id=card, turn=1, outcome="retry", note="again")
    other = e.TurnFinished(card_id=card, turn=1, outcome="settled")
    assert told(Difference(card=card, position=2, seq=9, recorded=one, replayed=other)) == (
        "leaves the record at event 9, card A, step 3:",
        "  recorded: TurnFinished",
        "  replayed: TurnFinished",
        '    note: "again" was recorded, now ""',
        '    outcome: "retry" was recorded, now "settled"',
    )
    lines = told(Difference(card="", position=0, seq=None, recorded=None, replayed=other))
    assert lines[:2] == (
        "leaves the record after its last event, in the run itself, step 1:",
        "  recorded: nothing more",
    )
    lines = told(
        Difference(
            card=card, position=0, seq=1, recorded=one, replayed=e.CardFaulted(card_id=card, error="x")
        )
    )
    assert lines[3].startswith('    recorded: {"')
