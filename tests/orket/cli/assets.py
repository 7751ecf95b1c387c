"""A small model directory on disk: one epic, its team, and a script of what the model says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

Call = tuple[str, dict[str, object]]
LONG: Call = ("run_command", {"argv": ["sleep", "50"]})
FINISH: Call = ("update_issue_status", {"status": "code_review"})
APPROVE: Call = ("update_issue_status", {"status": "done"})


def write(file: str, text: str = "x\n") -> Call:
    return "write_file", {"path": file, "content": text}


def model_dir(
    folder: Path, *turns: Sequence[Call], policy: Sequence[dict[str, str]] = (), seat: str = "builder"
) -> Path:
    """Write an epic of one issue, whose builder takes ``turns`` and whose guard approves; return its path."""
    tools = ["read_file", "write_file", "run_command", "update_issue_status"]
    roles = ("builder_role", "integrity_guard")
    files: dict[str, object] = {
        "organization.json": {
            "name": "Test",
            "sandbox": {"levels": ["process"], "command_recovery": "idempotent"},
            "policy": list(policy),
        },
        "teams/pair.json": {
            "name": "pair",
            "seats": {
                "builder": {"name": "Builder", "roles": ["builder_role"]},
                "guard": {"name": "Guard", "roles": ["integrity_guard"]},
            },
        },
        **{f"roles/{one}.json": {"name": one, "description": "Works.", "tools": tools} for one in roles},
        "environments/local.json": {"name": "local", "model": "scripted:scripts/replies.json"},
        "epics/small.json": {
            "id": "EPIC-S",
            "name": "Small",
            "team": "pair",
            "environment": "local",
            "issues": [{"id": "S-1", "summary": "Write a file", "seat": seat}],
        },
        "scripts/replies.json": {"replies": _replies([*turns, [APPROVE]])},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder / "epics" / "small.json"


def _replies(turns: Sequence[Sequence[Call]]) -> list[dict[str, object]]:
    return [
        {
            "card": "S-1",
            "turn": number,
            "tool_calls": [{"name": name, "arguments": arguments} for name, arguments in calls],
        }
        for number, calls in enumerate(turns, start=1)
    ]
