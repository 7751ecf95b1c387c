"""What follows a turn, row by row, and that a card is retried a bounded number of times."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import Evaluation, Next, TurnReview
from orket.decision_nodes.evaluator import NOTE_CHARS_MAX, DefaultEvaluator
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.models import FinishReason, ModelReply
from orket.domain.runs import TurnState
from orket.domain.tools import ToolResult, failed
from tests.orket.decision_nodes.cases import answered, taken
from tests.orket.domain.cases import card

WORKED_ON = card("A", status=CardStatus.IN_PROGRESS)
REVIEWED = card("A", status=CardStatus.CODE_REVIEW)
FINE = ToolResult(ok=True, output="{}")


def judge(
    turn: TurnState,
    *,
    before: Card = WORKED_ON,
    after: Card | None = None,
    review: bool = False,
    turns_taken: int = 1,
) -> Evaluation:
    return DefaultEvaluator().evaluate(
        TurnReview(
            before=before,
            after=after or before,
            turn=turn,
            review=review,
            turns_taken=turns_taken,
            turns_max=3,
        )
    )


@pytest.mark.parametrize("status", sorted(set(CardStatus) - {CardStatus.IN_PROGRESS}))
def test_a_card_that_has_moved_is_settled_whatever_else_went_wrong(status: CardStatus) -> None:
    turn = taken(answered("read_file", failed("gone", code="not_found")))
    assert judge(turn, after=card("A", status=status)) == Evaluation(next=Next.SETTLED)


def test_a_turn_taken_up_after_a_crash_is_settled_by_where_the_card_is() -> None:
    assert judge(taken(), before=REVIEWED).next is Next.SETTLED
    assert judge(taken(), before=WORKED_ON, review=True).next is Next.SETTLED


def test_calls_that_succeeded_go_on_until_the_turns_are_used_up() -> None:
    turn = taken(answered("read_file", FINE))
    assert judge(turn, turns_taken=2) == Evaluation(next=Next.CONTINUE)
    said = judge(turn, turns_taken=3)
    assert said.next is Next.RETRY
    assert said.note == (
        "After 3 turns the card is still in_progress. When the work is finished call update_issue_status "
        "with one of: blocked, waiting_for_developer, ready_for_testing, code_review, canceled."
    )


def test_every_failed_call_is_quoted_with_its_hint() -> None:
    turn = taken(
        answered("read_file", failed("no such file: a.py", code="not_found", hint="list the folder first")),
        answered("read_file", FINE, index=1),
        answered("run_command", failed("exit code 1", code="nonzero"), index=2),
        answered("write_file", None, index=3),
    )
    said = judge(turn)
    assert said.next is Next.RETRY
    assert said.note.splitlines() == [
        "Call 0 (read_file) failed [not_found]: no such file: a.py Hint: list the folder first",
        "Call 2 (run_command) failed [nonzero]: exit code 1",
        "Call 3 (write_file) has no result.",
    ]


def test_a_call_that_a_pause_ended_costs_no_retry() -> None:
    ended = failed("ended because the run was stopped", code="canceled", hint="look before you repeat it")
    worn = attrs.evolve(WORKED_ON, retry_count=3)
    said = judge(taken(answered("read_file", FINE), answered("run_command", ended, index=1)), before=worn)
    assert said.next is Next.CONTINUE
    assert said.note.startswith("Call 1 (run_command) failed [canceled]: ended because")
    also_broken = answered("read_file", failed("gone", code="not_found"), index=2)
    assert judge(taken(answered("run_command", ended), also_broken), before=worn).next is Next.BLOCK


def test_a_turn_without_calls_is_told_what_it_may_do() -> None:
    said = judge(taken(text="I am done."))
    assert said.next is Next.RETRY
    assert said.note.startswith("The answer held no tool call, so nothing happened.")
    assert "code_review" in said.note
    assert "done" not in said.note.split("one of:")[1]
    reviewer = judge(taken(text="Fine."), before=REVIEWED, review=True)
    assert reviewer.note.endswith("one of: done, in_progress, ready_for_testing.")


def test_an_answer_that_was_cut_off_is_told_so() -> None:
    turn = attrs.evolve(taken(), reply=ModelReply(text="{", finish=FinishReason.LENGTH))
    assert judge(turn).note.startswith("The answer was cut off")


def test_a_model_that_fails_is_asked_again() -> None:
    said = judge(taken(error="no answer within 5 s"))
    assert said == Evaluation(next=Next.RETRY, note="The model gave no usable answer: no answer within 5 s")


@pytest.mark.parametrize("code", ["auth", "bad_request", "not_found", "quota"])
def test_what_only_a_person_mends_blocks_at_once(code: str) -> None:
    said = judge(taken(error="no such key", error_code=code))
    note = f"The model any cannot be asked ({code}): no such key"
    assert said == Evaluation(next=Next.BLOCK, note=note, wait_reason=WaitReason.SYSTEM)


@pytest.mark.parametrize("code", ["truncated", "unreadable", "repetition", "refused", "timeout", "protocol"])
def test_what_another_turn_may_mend_is_asked_again(code: str) -> None:
    assert judge(taken(error="cut off", error_code=code)).next is Next.RETRY


def test_beyond_the_last_retry_the_card_is_blocked_with_one_sentence() -> None:
    worn = attrs.evolve(WORKED_ON, retry_count=3)
    said = judge(taken(answered("run_command", failed("exit\ncode 1", code="nonzero"))), before=worn)
    assert said.next is Next.BLOCK
    assert said.wait_reason is WaitReason.SYSTEM
    assert said.note == (
        "Gave up after 3 retries; the last turn: Call 0 (run_command) failed [nonzero]: exit code 1"
    )
    assert judge(taken(), before=attrs.evolve(worn, retry_count=2)).next is Next.RETRY
    assert judge(taken(), before=attrs.evolve(worn, retry_count=0, max_retries=0)).next is Next.BLOCK


@given(
    errors=st.lists(st.text(max_size=3000), max_size=30),
    error=st.sampled_from(["", "slow"]),
    turns=st.integers(1, 5),
)
def test_a_card_that_never_moves_is_blocked_in_the_end(errors: list[str], error: str, turns: int) -> None:
    calls = [answered("t", failed(text, code="failed"), index=n) for n, text in enumerate(errors)]
    one, steps = WORKED_ON, 0
    while (said := judge(taken(*calls, error=error), before=one, turns_taken=turns)).next is not Next.BLOCK:
        assert said.next is Next.RETRY
        assert len(said.note) <= NOTE_CHARS_MAX
        one, steps = attrs.evolve(one, retry_count=one.retry_count + 1), steps + 1
    assert steps == one.max_retries
