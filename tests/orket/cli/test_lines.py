"""One line per notable event."""

from __future__ import annotations

from collections.abc import Iterable

from orket.domain import events as e
from orket.domain.cards import Card
from orket.domain.identifiers import CardId
from orket.domain.tools import Verdict
from orket.domain.verification import ScenarioResult, ScenarioStatus, VerificationResult
from orket.interfaces.cli.lines import line
from orket.interfaces.cli.watch import Watch
from tests.orket.cli import recorded as r


def told(events: Iterable[e.Event]) -> list[str]:
    watch = Watch.of(r.RUN)
    lines = []
    for one in r.recorded(events):
        watch.apply(one)
        if (text := line(one.event, watch.state)) is not None:
            lines.append(text)
    return lines


def test_a_run_from_its_start_to_the_first_done_card():
    assert told(r.beginning())[:11] == [
        "run 3f9a12cd: epics/ledger_cli.json, 4 issues, workspace /tmp/ledger",
        "EPIC-LED ready → in_progress, by system",
        "sandbox process (level 1) running",
        "LED-1 ready → in_progress, by system",
        "LED-1 turn 1: builder takes a turn as builder_role",
        "LED-1 write_file ledger/parse.py ok, 12 ms",
        "LED-1 in_progress → code_review, by builder",
        "LED-1 turn 2: guard reviews as integrity_guard",
        "LED-1 update_issue_status done ok, 12 ms",
        "LED-1 code_review → done, by guard",
        "LED-2 ready → in_progress, by system",
    ]


def test_a_denied_call_is_told_once():
    lines = [one for one in told(r.beginning()) if "secrets" in one]
    assert lines == [
        "LED-2 write_file secrets/key.txt denied by policy: deny write_file secrets/*: secrets stay out"
    ]


def test_failures_retries_verdicts_and_the_end():
    lines = told([*r.beginning(), *r.ending()])
    why = "exit_nonzero: exit code 1: ModuleNotFoundError: ledger.journal"
    for expected in (
        f"LED-2 run_command python -m ledger balances failed, {why}",
        "LED-2 retry 1/3: The command failed.",
        "LED-2 verification 2/2 passed",
        "run finished: done",
    ):
        assert expected in lines


def test_what_waits_for_a_person():
    assert told([*r.waiting(), *r.decided()])[-7:] == [
        "LED-1 run_command make publish asks a person, by policy: ask run_command: it leaves the machine",
        "LED-2 turn 1: builder takes a turn as builder_role",
        "LED-2 run_command make mail is in doubt: the engine stopped while it ran",
        "LED-3 in_progress → blocked, by system: input: which bank?",
        "run waits for a person to decide about 2 calls",
        "LED-1 run_command make publish decided by ada: approve",
        "run resumed by ada",
    ]


def test_the_rarer_events():
    call = r.tool("LED-1", 1, 0, "run_command", argv=["make"])
    again = e.ToolCallIntended(
        call=call, decision=r.intended(call).decision, recovery=r.intended(call).recovery, attempt=2
    )
    missed = ScenarioResult(id="S1", status=ScenarioStatus.FAIL, reason="3 is not 4")
    rare: list[e.Event] = [
        e.RunPaused(by="ada", reason="lunch"),
        e.CardAdded(card=Card(id=CardId("NEW-1"), name="Found on the way", parent_id=r.EPIC.id)),
        e.CardCommented(card_id=CardId("LED-1"), author="builder", text="two\nlines"),
        e.CardFaulted(card_id=CardId("LED-1"), error="KeyError: 'x'"),
        r.started("LED-1", 1),
        e.ModelFailed(card_id=CardId("LED-1"), turn=1, code="timeout", error="no answer in 5 s"),
        r.replied(call),
        again,
        e.VerificationFinished(card_id=CardId("LED-1"), result=VerificationResult(results=(missed,))),
    ]
    assert told([*r.accepted(), *rare])[3:] == [
        "run paused by ada: lunch",
        "NEW-1 added: Found on the way",
        "LED-1 comment by builder: two lines",
        "LED-1 fault: KeyError: 'x'",
        "LED-1 turn 1: builder takes a turn as builder_role",
        "LED-1 model failed, timeout: no answer in 5 s",
        "LED-1 run_command make again, attempt 2",
        "LED-1 verification 0/1 passed; S1: 3 is not 4",
    ]


def test_an_allowed_call_is_told_by_its_receipt_alone():
    call = r.tool("LED-1", 1, 0, "read_file", path="a")
    events = [*r.accepted(), r.started("LED-1", 1), r.replied(call), r.intended(call, Verdict.ALLOW)]
    assert told(events)[-1] == "LED-1 turn 1: builder takes a turn as builder_role"
