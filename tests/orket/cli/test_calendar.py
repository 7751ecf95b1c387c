"""``orket calendar``, and the sprint that cards get."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orket.domain.identifiers import CardId
from orket.domain.sprints import sprint_of
from orket.interfaces.cli.app import main
from tests.orket.kit import Bench, call, issue, plain, reply, status


def test_a_day_a_sprint_and_today(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", "2026-12-28", "--weeks", "2"]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "2026 Q4 S14  2026-12-28 to 2027-01-01",
        "2027 Q1 S1   2027-01-04 to 2027-01-08",
    ]
    assert main(["calendar", "2026 Q1 S6", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {
        "sprint": "2026 Q1 S6",
        "first_day": "2026-02-02",
        "last_day": "2026-02-06",
    }
    before = datetime.now(UTC).date()
    assert main(["calendar"]) == 0
    possible = {sprint_of(before).label, sprint_of(before + timedelta(days=1)).label}
    assert capfd.readouterr().out[:12].strip() in possible


@pytest.mark.parametrize("words", [["yesterday"], ["2026-02-30"], ["2026 Q5 S1"], ["--weeks", "0"]])
def test_what_is_no_day_is_refused(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["calendar", *words]) == 2
    told = capfd.readouterr()
    assert not told.out
    assert "2026-02-02" in told.err or "from 1 to" in told.err


@pytest.mark.anyio
async def test_cards_get_the_sprint_of_their_run_unless_they_have_one(tmp_path: Path) -> None:
    new = call("create_issue", seat="builder", summary="Write more")
    lines = [reply("A", 1, new, status("code_review")), reply("A", 2, status("done")), *plain("B")]
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B", sprint="2025 Q3 S2")], lines)
    before = sprint_of(datetime.now(UTC).date()).label
    state = await bench.drive(epic)
    after = sprint_of(datetime.now(UTC).date()).label
    assert state.cards[CardId("A")].sprint in (before, after)
    assert state.cards[CardId("B")].sprint == "2025 Q3 S2"
    (made,) = (card for card in state.issues.values() if card.id.startswith("ISSUE-"))
    assert made.sprint == state.cards[CardId("A")].sprint
