"""The audit finds what it is there to find: each breach is planted once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orket.domain import events as e
from orket.domain.identifiers import CardId, RunId, call_id
from orket.domain.tools import (
    Finding,
    GateDecision,
    HumanVerdict,
    Recovered,
    Recovery,
    ToolCall,
    ToolResult,
    Verdict,
)
from tests.crash.audit import audit, stranded
from tests.crash.journal import acknowledged, digest
from tests.orket.services.rooms import CARD, WORKLOAD

CALL = ToolCall(
    id=call_id(RunId("r"), CardId("C"), 1, 0),
    run_id=RunId("r"),
    card_id=CardId("C"),
    turn=1,
    index=0,
    tool="mark_asked",
    arguments_json="{}",
)
DID, UNDID = f"+ {CALL.id}", f"- {CALL.id}"
RECEIPT = e.ToolCallFinished(call_id=CALL.id, card_id=CALL.card_id, result=ToolResult(ok=True, output="{}"))
PROBED = Recovered(by="probe", finding=Finding.DID_NOT_HAPPEN)


def intent(
    attempt: int = 1,
    recovery: Recovery = Recovery.ASK_HUMAN,
    recovered: Recovered | None = None,
    verdict: Verdict = Verdict.ALLOW,
) -> e.ToolCallIntended:
    decision = GateDecision(verdict=verdict, rule="r")
    return e.ToolCallIntended(
        call=CALL, decision=decision, recovery=recovery, attempt=attempt, recovered=recovered
    )


def said(verdict: HumanVerdict) -> e.ToolCallDecided:
    return e.ToolCallDecided(call_id=CALL.id, card_id=CALL.card_id, verdict=verdict, by="p")


@pytest.mark.parametrize(
    ("events", "journal"),
    [
        ([intent(), RECEIPT], [DID]),
        ([intent(), said(HumanVerdict.HAPPENED), RECEIPT], [DID]),
        (
            [
                intent(),
                said(HumanVerdict.DID_NOT_HAPPEN),
                intent(2, recovered=Recovered(by="person")),
                RECEIPT,
            ],
            [DID],
        ),
        ([intent(verdict=Verdict.ASK), said(HumanVerdict.APPROVE), intent(2), RECEIPT], [DID]),
        ([intent(1, Recovery.PROBE), intent(2, Recovery.PROBE, PROBED), RECEIPT], [DID]),
        (
            [
                intent(1, Recovery.IDEMPOTENT),
                intent(2, Recovery.IDEMPOTENT, Recovered(by="idempotent")),
                RECEIPT,
            ],
            [DID, DID],
        ),
        (
            [
                intent(1, Recovery.COMPENSATE),
                intent(2, Recovery.COMPENSATE, Recovered(by="compensate")),
                RECEIPT,
            ],
            [DID, UNDID, DID],
        ),
    ],
)
def test_what_is_accounted_for(events: list[e.Event], journal: list[str]) -> None:
    assert audit(events, journal) == []


@pytest.mark.parametrize(
    ("events", "journal", "breach"),
    [
        ([], [DID], "has no intent"),
        ([intent(), RECEIPT], [DID, DID], "acted 2 times after 1 intents"),
        ([intent(), intent(2), RECEIPT], [DID], "without a word on the one before"),
        ([intent(), said(HumanVerdict.APPROVE), intent(2), RECEIPT], [DID], "without a word"),
        ([intent(), intent(2, recovered=Recovered(by="person")), RECEIPT], [DID], "not entitled"),
        ([intent(), intent(2, recovered=Recovered(by="idempotent")), RECEIPT], [DID], "not entitled"),
        ([intent(), intent(2, recovered=Recovered(by="probe")), RECEIPT], [DID], "not entitled"),
        ([intent(1, Recovery.PROBE), intent(2, Recovery.PROBE, PROBED), RECEIPT], [DID, DID], "acted twice"),
        ([intent(), RECEIPT, RECEIPT], [DID], "has 2 receipts"),
        ([intent(), RECEIPT, intent(2, recovered=PROBED)], [DID], "went on after its receipt"),
        ([intent(), RECEIPT], [], "did not act"),
    ],
)
def test_what_is_not(events: list[e.Event], journal: list[str], breach: str) -> None:
    assert any(breach in one for one in audit(events, journal)), audit(events, journal)


def test_a_run_that_nobody_works_on_is_stranded() -> None:
    begun = [e.RunAccepted(workload=WORKLOAD, workspace="w"), e.CardAdded(card=CARD)]
    at, run = datetime(2026, 1, 1, tzinfo=UTC), RunId("r")
    recorded = [e.Recorded(seq=n, at=at, run_id=run, event=one) for n, one in enumerate(begun, start=1)]
    assert stranded(recorded) == ["run r is running ()"]


def test_an_acknowledged_event_that_is_not_on_the_ledger_is_lost(tmp_path: Path) -> None:
    import sqlite3

    database, told = tmp_path / "db", tmp_path / "told"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE events (seq, kind, body)")
        connection.execute("INSERT INTO events VALUES (1, 'A', x'00')")
    connection.close()
    told.write_text(f"1 {digest('A', bytes(1))}\n2 {digest('B', bytes(1))}\n3 half")
    found = acknowledged(told, database)
    assert found.events == 2
    assert found.lost == ("event 2 was acknowledged and is lost",)
