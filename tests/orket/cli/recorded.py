"""Runs as the ledger tells them, for the views: a diamond with a denial and a retry; one that waits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from orket.domain import events as e
from orket.domain.assets import Environment, Epic, Organization, Role, Seat, Team, Workload
from orket.domain.cards import Card, CardStatus, CardType, WaitReason
from orket.domain.identifiers import BlobId, CardId, RunId, call_id
from orket.domain.models import ModelReply, Usage
from orket.domain.sandboxes import SandboxStatus
from orket.domain.tools import (
    GateDecision,
    HumanVerdict,
    Recovery,
    ToolCall,
    ToolResult,
    Verdict,
    failed,
)
from orket.domain.verification import ScenarioResult, ScenarioStatus, VerificationResult

RUN = RunId("3f9a12cd")
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_S = CardStatus


def issue(name: str, title: str, *needs: str, epic: str = "EPIC-LED") -> Card:
    return Card(
        id=CardId(name),
        name=title,
        seat="builder",
        depends_on=tuple(CardId(one) for one in needs),
        parent_id=CardId(epic),
    )


ISSUES = (
    issue("LED-1", "Parse journal lines"),
    issue("LED-2", "Print balances", "LED-1"),
    issue("LED-3", "Print the journal", "LED-1"),
    issue("LED-4", "Join the commands", "LED-2", "LED-3"),
)
EPIC = Card(id=CardId("EPIC-LED"), name="Ledger CLI", type=CardType.EPIC, status=_S.READY)
ROCK = Card(id=CardId("ROCK-BK"), name="Bookkeeping", type=CardType.ROCK)
TEAM = Team(
    name="pair",
    seats=(
        Seat(key="builder", name="Builder", roles=("builder_role",)),
        Seat(key="guard", name="Guard", roles=("integrity_guard",)),
    ),
)


def workload(issues: tuple[Card, ...] = ISSUES, *, rock: Card | None = None) -> Workload:
    epic = Epic(card=EPIC, team=TEAM, environment=Environment(name="local"), issues=issues)
    return Workload(
        target="epics/ledger_cli.json",
        organization=Organization(),
        epics=(epic,),
        roles=(Role(name="builder_role"), Role(name="integrity_guard")),
        dialects=(),
        rock=rock,
    )


def recorded(events: Iterable[e.Event], *, after: int = 0, step_s: float = 0.25) -> tuple[e.Recorded, ...]:
    return tuple(
        e.Recorded(seq=seq, at=START + timedelta(seconds=step_s * (seq - 1)), run_id=RUN, event=event)
        for seq, event in enumerate(events, start=after + 1)
    )


def accepted(issues: tuple[Card, ...] = ISSUES, *, rock: Card | None = None) -> tuple[e.Event, ...]:
    given = workload(issues, rock=rock)
    parents = (EPIC,) if rock is None else (rock, EPIC)
    return (
        e.RunAccepted(workload=given, workspace="/tmp/ledger"),
        *(e.CardAdded(card=card) for card in (*parents, *issues)),
        moved("EPIC-LED", _S.READY, _S.IN_PROGRESS, by="system"),
        e.SandboxChanged(sandbox_id="sbx", driver="process", level=1, status=SandboxStatus.RUNNING),
    )


def moved(
    card: str, previous: CardStatus, status: CardStatus, *, by: str, **more: object
) -> e.CardStatusChanged:
    return e.CardStatusChanged(card_id=CardId(card), previous=previous, status=status, by=by, **more)  # type: ignore[arg-type]  # passed through


def tool(card: str, turn: int, index: int, name: str, **arguments: object) -> ToolCall:
    return ToolCall(
        id=call_id(RUN, CardId(card), turn, index),
        run_id=RUN,
        card_id=CardId(card),
        turn=turn,
        index=index,
        tool=name,
        arguments_json=json.dumps(arguments),
    )


def started(card: str, turn: int, *, review: bool = False) -> e.TurnStarted:
    seat, role = ("guard", "integrity_guard") if review else ("builder", "builder_role")
    return e.TurnStarted(
        card_id=CardId(card),
        turn=turn,
        seat=seat,
        role=role,
        review=review,
        model="scripted:demo",
        prompt=BlobId("0" * 64),
    )


def replied(*calls: ToolCall) -> e.ModelReplied:
    reply = ModelReply(text="", usage=Usage(input_tokens=410, output_tokens=57))
    return e.ModelReplied(card_id=calls[0].card_id, turn=calls[0].turn, reply=reply, calls=calls)


def intended(
    call: ToolCall, verdict: Verdict = Verdict.ALLOW, *, rule: str = "role", reason: str = ""
) -> e.Event:
    decision = GateDecision(verdict=verdict, rule=rule, reason=reason)
    return e.ToolCallIntended(call=call, decision=decision, recovery=Recovery.IDEMPOTENT)


def finished(call: ToolCall, result: ToolResult | None = None) -> e.ToolCallFinished:
    outcome = result or ToolResult(ok=True, output="{}", duration_ms=12)
    return e.ToolCallFinished(call_id=call.id, card_id=call.card_id, result=outcome)


def turn(
    card: str, number: int, *calls: ToolCall, review: bool = False, outcome: str = "settled"
) -> list[e.Event]:
    acts = [event for call in calls for event in (intended(call), finished(call))]
    ended = e.TurnFinished(card_id=CardId(card), turn=number, outcome=outcome)
    return [started(card, number, review=review), replied(*calls), *acts, ended]


def reviewed(card: str, number: int) -> list[e.Event]:
    approve = tool(card, number, 0, "update_issue_status", status="done")
    return [*turn(card, number, approve, review=True), moved(card, _S.CODE_REVIEW, _S.DONE, by="guard")]


def beginning() -> list[e.Event]:
    """The first issue is done; the second was denied a file and had a command fail; the third thinks."""
    write = tool("LED-1", 1, 0, "write_file", path="ledger/parse.py", content="…")
    secret = tool("LED-2", 1, 0, "write_file", path="secrets/key.txt", content="k")
    check = tool("LED-2", 1, 1, "run_command", argv=["python", "-m", "ledger", "balances"])
    return [
        *accepted(),
        moved("LED-1", _S.READY, _S.IN_PROGRESS, by="system"),
        *turn("LED-1", 1, write),
        moved("LED-1", _S.IN_PROGRESS, _S.CODE_REVIEW, by="builder"),
        *reviewed("LED-1", 2),
        moved("LED-2", _S.READY, _S.IN_PROGRESS, by="system"),
        moved("LED-3", _S.READY, _S.IN_PROGRESS, by="system"),
        started("LED-2", 1),
        started("LED-3", 1),
        replied(secret, check),
        intended(secret, Verdict.DENY, rule="policy: deny write_file secrets/*", reason="secrets stay out"),
        finished(secret, failed("secrets stay out", code="denied")),
        intended(check),
    ]


def ending() -> list[e.Event]:
    """The command fails, the turn is tried again and works, everything is done."""
    check = tool("LED-2", 1, 1, "run_command", argv=["python", "-m", "ledger", "balances"])
    again = tool("LED-2", 2, 0, "run_command", argv=["python", "-m", "ledger", "balances"])
    wrote = tool("LED-3", 1, 0, "write_file", path="ledger/journal.py", content="…")
    joined = tool("LED-4", 1, 0, "write_file", path="ledger/__main__.py", content="…")
    passed = tuple(ScenarioResult(id=one, status=ScenarioStatus.PASS) for one in ("S1", "S2"))
    return [
        finished(check, failed("exit code 1: ModuleNotFoundError: ledger.journal", code="exit_nonzero")),
        e.TurnFinished(card_id=CardId("LED-2"), turn=1, outcome="retry", note="The command failed."),
        e.CardRetried(card_id=CardId("LED-2"), retry_count=1, note="The command failed."),
        replied(wrote),
        intended(wrote),
        finished(wrote),
        e.TurnFinished(card_id=CardId("LED-3"), turn=1, outcome="settled"),
        moved("LED-3", _S.IN_PROGRESS, _S.CODE_REVIEW, by="builder"),
        *reviewed("LED-3", 2),
        *turn("LED-2", 2, again),
        moved("LED-2", _S.IN_PROGRESS, _S.CODE_REVIEW, by="builder"),
        e.VerificationFinished(card_id=CardId("LED-2"), result=VerificationResult(results=passed)),
        *reviewed("LED-2", 3),
        moved("LED-4", _S.READY, _S.IN_PROGRESS, by="system"),
        *turn("LED-4", 1, joined),
        moved("LED-4", _S.IN_PROGRESS, _S.CODE_REVIEW, by="builder"),
        *reviewed("LED-4", 2),
        moved("EPIC-LED", _S.IN_PROGRESS, _S.DONE, by="system"),
        e.RunFinished(status="done"),
    ]


def waiting() -> list[e.Event]:
    """One call asks a person, one is in doubt, one card is blocked; the run is parked."""
    asks = tool("LED-1", 1, 0, "run_command", argv=["make", "publish"])
    doubt = tool("LED-2", 1, 0, "run_command", argv=["make", "mail"])
    parted = tuple(free(one) for one in ISSUES)
    return [
        *accepted(parted),
        *(moved(f"LED-{n}", _S.READY, _S.IN_PROGRESS, by="system") for n in (1, 2, 3)),
        started("LED-1", 1),
        replied(asks),
        intended(asks, Verdict.ASK, rule="policy: ask run_command", reason="it leaves the machine"),
        started("LED-2", 1),
        replied(doubt),
        intended(doubt),
        e.ToolCallInDoubt(call_id=doubt.id, card_id=doubt.card_id, reason="the engine stopped while it ran"),
        moved(
            "LED-3",
            _S.IN_PROGRESS,
            _S.BLOCKED,
            by="system",
            wait_reason=WaitReason.INPUT,
            reason="which bank?",
        ),
        e.RunParked(calls=(asks.id, doubt.id)),
    ]


def free(card: Card) -> Card:
    return issue(card.id, card.name)


def decided() -> list[e.Event]:
    call = call_id(RUN, CardId("LED-1"), 1, 0)
    return [
        e.ToolCallDecided(call_id=call, card_id=CardId("LED-1"), verdict=HumanVerdict.APPROVE, by="ada"),
        e.RunResumed(by="ada"),
    ]
