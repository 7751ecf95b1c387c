"""Two histories of one run are compared by what was decided and done, not by how long it took."""

from __future__ import annotations

from datetime import UTC, datetime

from orket.domain import events as e
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.replay import first_difference
from orket.domain.tools import ToolResult


def receipt(output: str, duration_ms: int) -> list[e.Recorded]:
    result = ToolResult(ok=True, output=output, duration_ms=duration_ms)
    event = e.ToolCallFinished(call_id=CallId("r/C/1/0"), card_id=CardId("C"), result=result)
    return [e.Recorded(seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), run_id=RunId("r"), event=event)]


def test_a_call_that_took_longer_is_no_difference() -> None:
    assert first_difference(receipt("{}", 0), receipt("{}", 9)) is None


def test_a_call_that_came_to_something_else_is_one() -> None:
    found = first_difference(receipt("{}", 0), receipt("[]", 0))
    assert found is not None
    assert (found.card, found.seq) == ("C", 1)
