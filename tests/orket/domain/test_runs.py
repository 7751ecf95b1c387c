"""Folding events: cut anywhere, it comes to the same state, and the state keeps its word."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.cards import WAITING, CardStatus, CardType, Comment, WaitReason
from orket.domain.identifiers import BlobId, CardId, RunId, call_id
from orket.domain.models import ModelReply, Usage
from orket.domain.runs import FINAL_RUN, HISTORY_TURNS_MAX, RunState, RunStatus, TurnState
from orket.domain.sandboxes import SandboxStatus
from orket.domain.state_machine import allowed
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
from tests.orket.domain.cases import card

RUN = RunId("run00001")
AT = datetime(2026, 1, 1, tzinfo=UTC)
ALLOW = GateDecision(verdict=Verdict.ALLOW, rule="role_tools")
ASK = GateDecision(verdict=Verdict.ASK, rule="policy/0")


def reply_with(state: RunState, name: CardId, calls: int) -> e.ModelReplied:
    turn = state.turn_counts[name]
    made = tuple(
        ToolCall(
            id=call_id(RUN, name, turn, index),
            run_id=RUN,
            card_id=name,
            turn=turn,
            index=index,
            tool="read_file",
            arguments_json="{}",
        )
        for index in range(calls)
    )
    reply = ModelReply(text="", usage=Usage(input_tokens=3, output_tokens=2))
    return e.ModelReplied(card_id=name, turn=turn, reply=reply, calls=made)


def started(state: RunState, name: CardId) -> e.TurnStarted:
    return e.TurnStarted(
        card_id=name,
        turn=state.turn_counts.get(name, 0) + 1,
        seat="builder",
        role="builder_role",
        review=False,
        model="m",
        prompt=BlobId("0" * 64),
    )


def moves(state: RunState, name: CardId) -> list[e.Event]:
    """Every status change the rules allow the engine or a seat."""
    one = state.cards[name]
    return [
        e.CardStatusChanged(
            card_id=name,
            previous=one.status,
            status=status,
            by="builder",
            wait_reason=WaitReason.INPUT if status in WAITING else None,
            reason="why",
        )
        for status in allowed(one.type, one.status, system=True)
    ]


def turn_steps(state: RunState, name: CardId) -> list[e.Event]:
    """What can follow in a card's turn."""
    turn = state.open_turn(name)
    if turn is None:
        return [started(state, name)]
    ended = e.TurnFinished(card_id=name, turn=turn.turn, outcome="continue", note="go on")
    if turn.reply is None and not turn.error:
        broke = e.ModelFailed(card_id=name, turn=turn.turn, code="timeout", error="too slow")
        return [broke, *(reply_with(state, name, n) for n in (0, 1, 2))]
    following = next((one for one in turn.calls if one.result is None), None)
    if following is None:
        return [ended]
    key = following.call.id
    if following.waits_for_person:
        return [e.ToolCallDecided(call_id=key, card_id=name, verdict=one, by="ann") for one in HumanVerdict]
    intents: list[e.Event] = [
        e.ToolCallIntended(
            call=following.call,
            decision=decision,
            recovery=Recovery.PROBE,
            attempt=following.attempts + 1,
        )
        for decision in (ALLOW, ASK)
    ]
    if not following.attempts:
        return intents
    results = (ToolResult(ok=True, output="{}"), failed("no", code="not_found"))
    ends = [e.ToolCallFinished(call_id=key, card_id=name, result=one) for one in results]
    return [*intents, *ends, e.ToolCallInDoubt(call_id=key, card_id=name, reason="crash")]


@st.composite
def histories(draw: st.DrawFn, steps_max: int = 40) -> tuple[e.Recorded, ...]:
    """Draw a run that could have happened."""
    state, told = RunState(run_id=RUN), list[e.Recorded]()

    def tell(event: e.Event) -> None:
        told.append(e.Recorded(seq=len(told) + 1, at=AT, run_id=RUN, event=event))
        state.apply_recorded(told[-1])

    for name in ("A", "B"):
        tell(e.CardAdded(card=card(name)))
    for _ in range(draw(st.integers(0, steps_max))):
        name = draw(st.sampled_from(sorted(state.cards)))
        options: list[e.Event] = [
            *moves(state, name),
            *turn_steps(state, name),
            e.CardCommented(card_id=name, author="ann", text="hm"),
            e.CardRetried(card_id=name, retry_count=state.cards[name].retry_count + 1, note="again"),
            e.CardFaulted(card_id=name, error="E: x"),
            e.VerificationFinished(card_id=name, result=VerificationResult(results=())),
            e.RunPaused(by="ann", reason="lunch"),
            e.RunResumed(by="ann"),
            e.SandboxChanged(sandbox_id="s", driver="process", level=1, status=SandboxStatus.RUNNING),
        ]
        tell(draw(st.sampled_from(options)))
    return tuple(told)


def as_value(state: RunState) -> object:
    return attrs.asdict(state, recurse=False)


@given(histories(), st.data())
def test_a_prefix_and_then_the_rest_is_the_same_as_all_at_once(
    told: tuple[e.Recorded, ...], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(told)))
    state = RunState.fold(RUN, told[:cut])
    for one in told[cut:]:
        state.apply_recorded(one)
    assert as_value(state) == as_value(RunState.fold(RUN, told))


@given(histories(), st.data())
def test_looking_in_between_and_going_on_from_values_changes_nothing(
    told: tuple[e.Recorded, ...], data: st.DataObject
) -> None:
    state, cut = RunState(run_id=RUN), data.draw(st.integers(0, len(told)))
    for number, one in enumerate(told):
        if number == cut:
            state = attrs.evolve(state, turns=dict(state.turns))
        state.apply_recorded(one)
        for name in state.cards:
            turn = state.open_turn(name)
            calls = () if turn is None else turn.calls
            assert state.turns.pending(name) == next((one for one in calls if one.result is None), None)
    assert as_value(state) == as_value(RunState.fold(RUN, told))


@given(histories(), st.data())
def test_what_was_folded_already_is_passed_over(told: tuple[e.Recorded, ...], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(told)))
    state = RunState.fold(RUN, told)
    for one in told[start:]:
        state.apply_recorded(one)
    assert as_value(state) == as_value(RunState.fold(RUN, told))


@given(histories())
def test_a_card_has_a_wait_reason_exactly_while_it_waits(told: tuple[e.Recorded, ...]) -> None:
    state = RunState(run_id=RUN)
    for one in told:
        state.apply_recorded(one)
        for known in state.cards.values():
            assert (known.status in WAITING) == (known.wait_reason is not None)
            assert known.status in WAITING or not known.wait_note


@given(histories())
def test_what_is_spent_is_what_was_recorded(told: tuple[e.Recorded, ...]) -> None:
    state = RunState.fold(RUN, told)
    events = [one.event for one in told]
    assert state.spent.turns == sum(isinstance(one, e.TurnStarted) for one in events)
    first = [one for one in events if isinstance(one, e.ToolCallIntended) and one.attempt == 1]
    assert state.spent.tool_calls == len(first)
    replies = sum(isinstance(one, e.ModelReplied) for one in events)
    assert state.spent.usage == Usage(input_tokens=3 * replies, output_tokens=2 * replies)
    assert state.last_seq == len(told)


@given(histories())
def test_only_the_last_turn_of_a_card_can_be_open(told: tuple[e.Recorded, ...]) -> None:
    state = RunState.fold(RUN, told)
    for name, turns in state.turns.items():
        assert not any(turn.is_open for turn in turns[:-1])
        assert [turn.turn for turn in turns] == list(range(turns[0].turn, turns[-1].turn + 1))
        assert turns[-1].turn == state.turn_counts[name]
        assert len(turns) <= HISTORY_TURNS_MAX
    waiting = state.waiting_calls()
    assert all(state.find_call(one.call.id) == one and one.result is None for one in waiting)


def test_memory_is_bounded_and_counting_is_not() -> None:
    state, name = RunState(run_id=RUN), CardId("A")
    state.apply(e.CardAdded(card=card("A")))
    for _ in range(HISTORY_TURNS_MAX + 5):
        state.apply(started(state, name))
        state.apply(e.TurnFinished(card_id=name, turn=state.turn_counts[name], outcome="retry"))
    assert len(state.turns[name]) == HISTORY_TURNS_MAX
    assert state.turn_counts[name] == state.spent.turns == HISTORY_TURNS_MAX + 5


def test_new_work_makes_the_old_verification_stale() -> None:
    state, name = RunState(run_id=RUN), CardId("A")
    state.apply(e.CardAdded(card=card("A", status=CardStatus.CODE_REVIEW)))
    state.apply(e.VerificationFinished(card_id=name, result=VerificationResult(results=())))
    assert name in state.verifications
    state.apply(
        e.CardStatusChanged(
            card_id=name, previous=CardStatus.CODE_REVIEW, status=CardStatus.IN_PROGRESS, by="guard"
        )
    )
    assert name not in state.verifications
    assert name not in state.sent_back, "it had passed"


def test_what_verification_found_goes_back_with_the_card_until_it_is_verified_again() -> None:
    state, name = RunState(run_id=RUN), CardId("A")
    failed = VerificationResult(results=(ScenarioResult(id="s", status=ScenarioStatus.FAIL),))
    state.apply(e.CardAdded(card=card("A", status=CardStatus.CODE_REVIEW)))
    state.apply(e.VerificationFinished(card_id=name, result=failed))
    back = e.CardStatusChanged(
        card_id=name, previous=CardStatus.CODE_REVIEW, status=CardStatus.IN_PROGRESS, by="guard"
    )
    state.apply(back)
    assert (state.verifications, state.sent_back) == ({}, {name: failed})
    state.apply(attrs.evolve(back, previous=CardStatus.IN_PROGRESS, status=CardStatus.CODE_REVIEW))
    assert state.sent_back == {name: failed}
    state.apply(e.VerificationFinished(card_id=name, result=VerificationResult(results=())))
    assert state.sent_back == {}


def test_a_card_that_moves_on_gets_its_retries_back_and_one_that_waits_does_not() -> None:
    state, name = RunState(run_id=RUN), CardId("A")
    state.apply(e.CardAdded(card=card("A", status=CardStatus.IN_PROGRESS)))
    state.apply(e.CardRetried(card_id=name, retry_count=2, note="again"))
    blocked = e.CardStatusChanged(
        card_id=name,
        previous=CardStatus.IN_PROGRESS,
        status=CardStatus.BLOCKED,
        by="system",
        wait_reason=WaitReason.SYSTEM,
        reason="stuck",
    )
    state.apply(blocked)
    assert (state.cards[name].retry_count, state.cards[name].wait_note) == (2, "stuck")
    state.apply(
        e.CardStatusChanged(
            card_id=name, previous=CardStatus.BLOCKED, status=CardStatus.IN_PROGRESS, by="ann"
        )
    )
    again = state.cards[name]
    assert (again.retry_count, again.wait_reason, again.wait_note) == (0, None, "")


def test_the_run_status_follows_its_events() -> None:
    state = RunState(run_id=RUN)
    assert (state.status, state.is_final) == (RunStatus.RUNNING, False)
    steps: list[tuple[e.Event, RunStatus]] = [
        (e.RunPaused(by="ann", reason="lunch"), RunStatus.PAUSED),
        (e.RunResumed(by="ann"), RunStatus.RUNNING),
        (e.RunParked(calls=()), RunStatus.WAITING_FOR_APPROVAL),
        (e.RunResumed(by="ann"), RunStatus.RUNNING),
        (e.RunFinished(status="blocked", reason="1 of 2 cards done."), RunStatus.BLOCKED),
    ]
    for event, status in steps:
        state.apply(event)
        assert state.status is status
    assert state.is_final
    assert state.reason == "1 of 2 cards done."
    assert RunStatus.BLOCKED in FINAL_RUN


def test_comments_grow_and_only_issues_are_worked_on() -> None:
    state, name = RunState(run_id=RUN), CardId("A")
    state.apply(e.CardAdded(card=attrs.evolve(card("E"), type=CardType.EPIC)))
    state.apply(e.CardAdded(card=card("A")))
    for text in ("one", "two"):
        state.apply(e.CardCommented(card_id=name, author="ann", text=text))
    assert state.comments[name] == (Comment("ann", "one"), Comment("ann", "two"))
    assert list(state.issues) == ["A"]


def test_a_call_waits_for_a_person_until_the_person_decides() -> None:
    state, name = RunState(run_id=RUN), CardId("A")
    state.apply(e.CardAdded(card=card("A")))
    state.apply(started(state, name))
    state.apply(replied := reply_with(state, name, 1))
    [call] = replied.calls
    state.apply(e.ToolCallIntended(call=call, decision=ASK, recovery=Recovery.ASK_HUMAN))
    assert [one.call.id for one in state.waiting_calls()] == [call.id]
    state.apply(e.ToolCallDecided(call_id=call.id, card_id=name, verdict=HumanVerdict.APPROVE, by="ann"))
    assert state.waiting_calls() == ()
    found = state.find_call(call.id)
    assert found is not None
    assert found.verdict is HumanVerdict.APPROVE
    assert state.open_turn(name) is not None


def test_a_turn_is_open_until_its_outcome_is_known() -> None:
    turn = TurnState(card_id=CardId("A"), turn=1, seat="s", role="r", review=False)
    assert turn.is_open
    assert not attrs.evolve(turn, outcome="retry").is_open
