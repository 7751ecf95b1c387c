"""An epic for the scripted model, its cards alike, each turn one tool call; and waiting for its run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio

from benchmarks.engine.load import REMARK, SAYING, TURNS_PER_CARD
from orket.bootstrap import Orket
from orket.domain.identifiers import RunId

TOOLS = ("update_issue_status", "add_issue_comment", "get_issue_context")
REVIEW_EVERY = 25
JSON = dict[str, Any]


def write_epic(model: Path, cards: int, *, turns: int = TURNS_PER_CARD, delay_s: float = 0.0) -> Path:
    """Write an epic of ``cards`` issues with all it needs below ``model``; return its file.

    The builder comments in most turns and asks for review in its last; the guard then accepts.
    """
    core = model / "core"
    names = [f"CARD-{number}" for number in range(cards)]
    replies = [reply for name in names for reply in _script(name, turns, delay_s)]
    _write(core / "teams/pair.json", {"name": "pair", "seats": _seats()})
    for role in ("builder_role", "integrity_guard"):
        text = {"id": role, "name": role, "type": "utility", "description": role, "tools": list(TOOLS)}
        _write(core / f"roles/{role}.json", text)
    _write(core / "scripts/bench.json", {"replies": replies})
    _write(core / "environments/bench.json", {"name": "bench", "model": "scripted:scripts/bench.json"})
    rules = {"runs_max": "1000", "turns_per_assignment_max": "64", "turns_per_card_max": "500"}
    house = {"name": "Bench", "sandbox": {"levels": ["process"]}, "process_rules": rules}
    _write(core / "organization.json", {**house, "architecture": {"idesign_threshold": 5_000}})
    issues = [{"id": name, "summary": f"Write {name}", "seat": "builder"} for name in names]
    epic = {"id": "EPIC-bench", "name": "bench", "team": "pair", "environment": "bench", "issues": issues}
    return _write(core / "epics/bench.json", epic)


async def ended(orket: Orket, run_id: RunId) -> None:
    """Wait for the end of a run by looking at its line in the list, every 20 ms."""
    # Waiting for commits would wake this for each of them.
    while (run := await orket.ledger.run(run_id)) is None or run.finished_at is None:  # noqa: ASYNC110
        await anyio.sleep(0.02)
    if run.status != "done":
        raise AssertionError(f"the run ended {run.status}: {run.reason}")


def _seats() -> JSON:
    return {
        "builder": {"name": "Builder", "roles": ["builder_role"]},
        "guard": {"name": "Guard", "roles": ["integrity_guard"]},
    }


def _script(card: str, turns: int, delay_s: float) -> list[JSON]:
    return [
        {
            "card": card,
            "turn": number,
            "text": SAYING,
            "delay_s": delay_s,
            "tool_calls": [{"name": name, "arguments": arguments}],
        }
        for number, (name, arguments) in enumerate(_calls(turns), start=1)
    ]


def _calls(turns: int) -> list[tuple[str, JSON]]:
    """Comments; a long card is looked at and sent back now and then; at last it is accepted."""
    found: list[tuple[str, JSON]] = [("add_issue_comment", {"comment": REMARK})] * (turns - 2)
    for last in range(REVIEW_EVERY, turns - 2, REVIEW_EVERY):
        found[last - 2 : last] = [_move("code_review"), _move("in_progress")]
    return [*found, _move("code_review"), _move("done")]


def _move(status: str) -> tuple[str, JSON]:
    return "update_issue_status", {"status": status}


def _write(path: Path, value: JSON) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
