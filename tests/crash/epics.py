"""Epics made of marks, drawn from a seed."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.crash.tools import MARKS
from tests.orket.kit import JSON, TOOLS, Bench, call, issue, reply, role, status

CARDS_MAX, CALLS_MAX = 4, 5


def write_epic(root: Path, random: Random) -> Path:
    """Lay out a model directory with one epic of up to four cards; return the epic's file."""
    bench = Bench(root)
    issues: list[JSON] = []
    replies: list[JSON] = []
    for number in range(random.randint(1, CARDS_MAX)):
        key = f"C{number}"
        issues.append(issue(key, *(one["id"] for one in issues if random.random() < 0.4)))
        marks = [call(random.choice(MARKS), what=f"{key}.{n}") for n in range(random.randint(2, CALLS_MAX))]
        replies += [reply(key, 1, *marks, status("code_review")), reply(key, 2, status("done"))]
    asking = {"effect": "ask", "tool": "mark_approved"}
    file = bench.epic(issues, replies, policy=[asking])
    bench.write("roles/builder_role.json", role("builder_role", [*TOOLS, *MARKS]))
    return file
