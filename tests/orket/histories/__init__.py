"""Golden histories: what the shipped demo and an approval did when they were recorded, one event a line.

``python -m tests.orket.histories`` records them anew, after a change of rules or prompts that is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from orket.domain.events import Recorded
from orket.wire.events import EventView
from orket.wire.views import event_view, recorded

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Name the histories."""
    return sorted(one.stem for one in FOLDER.glob("*.jsonl"))


def load(name: str) -> list[Recorded]:
    """Read a history."""
    lines = (FOLDER / f"{name}.jsonl").read_bytes().splitlines()
    return [recorded(msgspec.json.decode(line, type=EventView)) for line in lines]


def save(name: str, history: Sequence[Recorded]) -> None:
    """Write a history."""
    lines = [msgspec.json.encode(event_view(one), order="sorted") for one in history]
    (FOLDER / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
