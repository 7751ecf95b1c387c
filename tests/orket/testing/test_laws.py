"""Each law of the engine can be broken."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest

from orket.domain import events as e
from orket.domain.cards import CardStatus
from orket.domain.identifiers import CallId, CardId, RunId, call_id
from orket.domain.models import ModelReply
from orket.domain.tools import GateDecision, Recovered, Recovery, ToolCall, ToolResult, Verdict
from orket.testing import EngineLaws, issue, workload

RUN, CARD = RunId("00000001"), CardId("A")
CALL: CallId = call_id(RUN, CARD, 1, 0)
A_CALL = ToolCall(id=CALL, run_id=RUN, card_id=CARD, turn=1, index=0, tool="pay", arguments_json="{}")
ALLOWED = GateDecision(verdict=Verdict.ALLOW, rule="test")


def began() -> tuple[e.Event, ...]:
    work = workload(issue("A"))
    return (
        e.RunAccepted(workload=work, workspace="/w"),
        *(e.CardAdded(card=card) for card in work.epics[0].issues),
        moved(CardStatus.READY, CardStatus.IN_PROGRESS),
        e.TurnStarted(
            card_id=CARD,
            turn=1,
            seat="builder",
            role="",
            review=False,
            model="",
            prompt="",  # type: ignore[arg-type]  # a blob id
        ),
        e.ModelReplied(card_id=CARD, turn=1, reply=ModelReply(text=""), calls=(A_CALL,)),
    )


def moved(previous: CardStatus, status: CardStatus) -> e.Event:
    return e.CardStatusChanged(card_id=CARD, previous=previous, status=status, by="system")


def intended(attempt: int, recovered: Recovered | None = None) -> e.Event:
    return e.ToolCallIntended(
        call=A_CALL, decision=ALLOWED, recovery=Recovery.IDEMPOTENT, attempt=attempt, recovered=recovered
    )


def receipt(code: str = "") -> e.Event:
    return e.ToolCallFinished(
        call_id=CALL, card_id=CARD, result=ToolResult(ok=not code, output="", code=code)
    )


AGAIN = Recovered(by="idempotent")
DONE = e.RunFinished(status="done")
BLOCKED = e.RunFinished(status="blocked")
ACT = "act"

Step = e.Event | str


def judged(*steps: Step) -> list[str]:
    laws = EngineLaws()
    for seq, step in enumerate((*began(), *steps), 1):
        if isinstance(step, str):
            laws.act(CALL)
        else:
            laws.see([e.Recorded(seq=seq, at=datetime(2030, 1, 1, tzinfo=UTC), run_id=RUN, event=step)])
    with contextlib.suppress(AssertionError):
        laws.finish()
    return laws.broken


GOOD: dict[str, tuple[Step, ...]] = {
    "once": (intended(1), ACT, receipt()),
    "again": (intended(1), ACT, intended(2, AGAIN), ACT, receipt()),
    "cut off": (intended(1), ACT, receipt("canceled")),
    "given up": (intended(1), ACT, receipt("given_up"), BLOCKED),
    "in doubt": (intended(1), e.ToolCallInDoubt(call_id=CALL, card_id=CARD, reason=""), BLOCKED),
}
BAD: dict[str, tuple[Step, ...]] = {
    "allowed are 0": (ACT,),
    "allowed are 1": (intended(1), ACT, ACT),
    "acts after its receipt": (intended(1), receipt(), ACT),
    "nothing entitles": (intended(1), ACT, intended(2)),
    "follows attempt 0": (intended(2),),
    "intended after its receipt": (intended(1), receipt(), intended(2, AGAIN)),
    "2 receipts": (intended(1), receipt(), receipt()),
    "0 intents": (receipt("canceled"),),
    "moves from ready": (moved(CardStatus.READY, CardStatus.IN_PROGRESS),),
    "moves from in_progress to archived": (moved(CardStatus.IN_PROGRESS, CardStatus.ARCHIVED),),
    "some of its cards are not": (DONE,),
    "neither a receipt nor a doubt": (intended(1), ACT, BLOCKED),
}


@pytest.mark.parametrize("steps", GOOD.values(), ids=GOOD)
def test_what_is_allowed(steps: tuple[Step, ...]) -> None:
    assert judged(*steps) == []


@pytest.mark.parametrize(("says", "steps"), BAD.items(), ids=BAD)
def test_what_is_not(says: str, steps: tuple[Step, ...]) -> None:
    assert says in "; ".join(judged(*steps))
