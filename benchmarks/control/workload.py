"""Runs that never rest: an epic whose only card writes files, turn after turn, longer than is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TURNS, CALLS_PER_TURN = 400, 5
JSON = dict[str, Any]


def write_epic(core: Path, runs: int, reply_s: float) -> Path:
    """Write the epic with all it needs below ``core``, for ``runs`` runs at a time; return its file.

    The model takes ``reply_s`` for each reply.
    """
    rules = {
        "runs_max": str(min(1_000, runs + 1)),
        "turns_per_assignment_max": "100",
        "turns_per_card_max": "1000",
    }
    tools = ["write_file", "update_issue_status"]
    roles = ("builder_role", "integrity_guard")
    files: dict[str, JSON] = {
        "organization.json": {"name": "Bench", "sandbox": {"levels": ["process"]}, "process_rules": rules},
        "teams/pair.json": {
            "name": "pair",
            "seats": {
                "builder": {"name": "Builder", "roles": ["builder_role"]},
                "guard": {"name": "Guard", "roles": ["integrity_guard"]},
            },
        },
        **{f"roles/{one}.json": {"name": one, "description": "Works.", "tools": tools} for one in roles},
        "environments/bench.json": {"name": "bench", "model": "scripted:scripts/bench.json"},
        "scripts/bench.json": {"replies": [_reply(turn, reply_s) for turn in range(1, TURNS + 1)]},
    }
    for name, content in files.items():
        path = core / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    epic = core / "epics" / "bench.json"
    epic.parent.mkdir(exist_ok=True)
    issue = {"id": "W-1", "summary": "Write files without end", "seat": "builder"}
    card = {"id": "EPIC-W", "name": "bench", "team": "pair", "environment": "bench", "issues": [issue]}
    epic.write_text(json.dumps(card), encoding="utf-8")
    return epic


def _reply(turn: int, reply_s: float) -> JSON:
    calls = [
        {"name": "write_file", "arguments": {"path": f"{turn}-{index}.txt", "content": "x" * 200}}
        for index in range(CALLS_PER_TURN)
    ]
    return {"card": "W-1", "turn": turn, "delay_s": reply_s, "tool_calls": calls}
