"""The count of what a model has done rests on the ledger's events and on the files, not on what it says."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.models.issues import ALL, RECIPES, prepared, recipes_right, taken_down


def event(kind: str, second: int, **data: Any) -> dict[str, object]:
    return {"kind": kind, "at": f"2026-01-01T00:00:{second:02}Z", "data": {"card_id": "KIT-1", **data}}


def verified(*statuses: str) -> dict[str, object]:
    return event("VerificationFinished", 20, result={"results": [{"status": one} for one in statuses]})


@pytest.mark.parametrize(("second", "right"), [("pass", True), ("fail", False)])
def test_an_issue_is_counted_by_its_verification(second: str, right: bool) -> None:
    turns = [event("TurnFinished", 10, outcome=one) for one in ("continue", "retry", "settled")]
    done = event("CardStatusChanged", 30, status="done")
    other = {**done, "data": {"card_id": "KIT-9", "status": "canceled"}}
    it = taken_down(iter([*turns, verified("fail"), verified("pass", second), done, other]), ["KIT-1"])[
        "KIT-1"
    ]
    assert (it.status, it.right, it.steps, it.right_steps) == ("done", right, 3, 2)
    assert it.verified == ("2 of 2" if right else "1 of 2")
    assert it.minutes == pytest.approx(20 / 60)


def test_recipes_are_right_by_their_content(tmp_path: Path) -> None:
    assert not recipes_right(tmp_path)
    for place, wanted in RECIPES.items():
        file = tmp_path / place
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n\n".join(f"{name}: {much}" for name, much in sorted(wanted.items())))
    assert recipes_right(tmp_path)
    (tmp_path / "recipes/waffles.txt").write_text("eggs: 2")
    assert not recipes_right(tmp_path)


def test_the_copy_of_the_demo_is_asked_as_it_was_told(tmp_path: Path) -> None:
    epic = prepared(tmp_path / "model", ALL[:2], 0.4, 7, "native")
    assert [one["id"] for one in json.loads(epic.read_text())["issues"]] == ["KIT-1", "KIT-2"]
    told = json.loads((tmp_path / "model/environments/local.json").read_text())
    assert (told["temperature"], told["seed"], told["params"]) == (0.4, 7, {"calling": "native"})
