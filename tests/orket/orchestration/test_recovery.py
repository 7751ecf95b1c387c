"""What the ledger says of calls that nobody will go on with."""

from __future__ import annotations

import pytest

from orket.domain import events as e
from orket.domain.cards import Card, CardStatus
from orket.domain.identifiers import BlobId, CardId, RunId, call_id
from orket.domain.models import ModelReply, ProposedCall
from orket.domain.runs import RunState
from orket.domain.tools import GateDecision, Recovery, ToolCall, Verdict, failed
from orket.orchestration.recovery import GIVEN_UP, end_calls

RUN, CARD = RunId("r"), CardId("A")
KEY = call_id(RUN, CARD, 1, 0)
CALL = ToolCall(id=KEY, run_id=RUN, card_id=CARD, turn=1, index=0, tool="pay", arguments_json="{}")


def intended(recovery: Recovery, verdict: Verdict = Verdict.ALLOW) -> e.ToolCallIntended:
    decision = GateDecision(verdict=verdict, rule="default")
    return e.ToolCallIntended(call=CALL, attempt=1, decision=decision, recovery=recovery)


def state_of(*events: e.Event) -> RunState:
    """A card in work whose first turn has proposed one call."""
    state = RunState(run_id=RUN)
    proposed = ModelReply(text="", calls=(ProposedCall(name="pay", arguments_json="{}"),))
    for event in (
        e.CardAdded(card=Card(id=CARD, name="A", status=CardStatus.IN_PROGRESS)),
        e.TurnStarted(
            card_id=CARD, turn=1, seat="builder", role="builder", review=False, model="m", prompt=BlobId("0")
        ),
        e.ModelReplied(card_id=CARD, turn=1, reply=proposed, calls=(CALL,)),
        *events,
    ):
        state.apply(event)
    return state


@pytest.mark.parametrize(
    ("recovery", "verdict", "says"),
    [
        (Recovery.IDEMPOTENT, Verdict.ALLOW, "whether it acted is not known"),
        (Recovery.IDEMPOTENT, Verdict.ASK, "not carried out"),
        (Recovery.ASK_HUMAN, Verdict.ASK, "not carried out"),
    ],
)
def test_a_call_that_harms_nobody_gets_a_receipt(recovery: Recovery, verdict: Verdict, says: str) -> None:
    state = state_of(intended(recovery, verdict))
    (receipt,) = end_calls(state, [CARD], "the run was canceled")
    assert isinstance(receipt, e.ToolCallFinished)
    assert receipt.result.code == GIVEN_UP
    assert says in receipt.result.output
    assert "the run was canceled" in receipt.result.output
    state.apply(receipt)
    assert state.waiting_calls() == ()
    assert end_calls(state, [CARD], "again") == ()


@pytest.mark.parametrize("recovery", [Recovery.ASK_HUMAN, Recovery.PROBE, Recovery.COMPENSATE])
def test_a_call_that_may_have_acted_is_in_doubt(recovery: Recovery) -> None:
    state = state_of(intended(recovery))
    (doubt,) = end_calls(state, [CARD], "the card was given up")
    assert doubt == e.ToolCallInDoubt(
        call_id=KEY,
        card_id=CARD,
        reason="the card was given up while this call was open: it may or may not have acted",
    )
    state.apply(doubt)
    assert [one.call.id for one in state.waiting_calls()] == [KEY]
    assert end_calls(state, [CARD], "again") == ()


@pytest.mark.parametrize(
    "events",
    [
        (),
        (
            intended(Recovery.ASK_HUMAN),
            e.ToolCallFinished(call_id=KEY, card_id=CARD, result=failed("no", code="x")),
        ),
        (intended(Recovery.ASK_HUMAN), e.ToolCallInDoubt(call_id=KEY, card_id=CARD, reason="killed")),
    ],
    ids=["only proposed", "has its receipt", "is in doubt"],
)
def test_of_other_calls_there_is_nothing_to_say(events: tuple[e.Event, ...]) -> None:
    assert end_calls(state_of(*events), [CARD], "the run was canceled") == ()
