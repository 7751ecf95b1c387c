"""``evaluator_node``: what follows a turn.

==================================================  ==========================================
the turn …                                          what follows
==================================================  ==========================================
moved the card out of the status of its assignment  SETTLED
got an error that no attempt mends: the key, the    BLOCK with the wait reason ``system``, naming the
model's name, the quota, a request refused as bad   model and the code
got no usable answer from the model                 RETRY
had a call that failed, was denied or has           RETRY, quoting each error and its hint
no result
only had calls that succeeded or were canceled by   CONTINUE, RETRY when the turns are used up
a pause of the run
made no call                                        RETRY, naming the statuses that may follow
==================================================  ==========================================

A retry beyond the card's ``max_retries`` becomes BLOCK with the wait reason ``system``.
"""

from __future__ import annotations

from orket.decision_nodes.decisions import Evaluation, Next, TurnReview
from orket.decision_nodes.planner import REVIEWS
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.errors import BEYOND_REPAIR
from orket.domain.models import FinishReason
from orket.domain.runs import CallState, TurnState
from orket.domain.sandboxes import CommandEnd
from orket.domain.state_machine import allowed

QUOTE_CHARS_MAX = 600
NOTE_CHARS_MAX = 4_000
_WORKED_ON = frozenset({CardStatus.IN_PROGRESS})


class DefaultEvaluator:
    """The table above, from top to bottom."""

    def evaluate(self, given: TurnReview) -> Evaluation:
        """Judge a finished turn."""
        if _left(given):
            return Evaluation(next=Next.SETTLED)
        turn = given.turn
        if turn.error_code in BEYOND_REPAIR:
            return _hopeless(turn)
        if turn.error:
            return _again(given, f"The model gave no usable answer: {_quoted(turn.error)}")
        broken = [call for call in turn.calls if call.result is None or not call.result.ok]
        note = "\n".join(map(_complaint, broken))
        if any(call.result is None or call.result.code != CommandEnd.CANCELED for call in broken):
            return _again(given, note)
        if not turn.calls:
            return _again(given, _no_call(given))
        if given.turns_taken < given.turns_max:
            return Evaluation(next=Next.CONTINUE, note=_bounded(note))
        return _again(
            given,
            f"After {given.turns_taken} turns the card is still {given.after.status}. {_options(given)}",
        )


def options(card: Card, *, review: bool) -> tuple[CardStatus, ...]:
    """List the statuses that a seat may set; only a reviewer finishes an issue."""
    return tuple(one for one in allowed(card.type, card.status) if review or one is not CardStatus.DONE)


def _left(given: TurnReview) -> bool:
    """Whether the card has moved; ``before`` is too young when a turn is taken up again after a crash."""
    here = REVIEWS if given.review else _WORKED_ON
    return given.after.status is not given.before.status or given.after.status not in here


def _hopeless(turn: TurnState) -> Evaluation:
    note = f"The model {turn.model} cannot be asked ({turn.error_code}): {_quoted(turn.error)}"
    return Evaluation(next=Next.BLOCK, note=_bounded(note), wait_reason=WaitReason.SYSTEM)


def _again(given: TurnReview, note: str) -> Evaluation:
    card = given.after
    note = _bounded(note)
    if card.retry_count + 1 <= card.max_retries:
        return Evaluation(next=Next.RETRY, note=note)
    last = _quoted(" ".join(note.split()))
    return Evaluation(
        next=Next.BLOCK,
        note=f"Gave up after {card.retry_count} retries; the last turn: {last}",
        wait_reason=WaitReason.SYSTEM,
    )


def _bounded(note: str) -> str:
    return note if len(note) <= NOTE_CHARS_MAX else note[: NOTE_CHARS_MAX - 1] + "…"


def _complaint(state: CallState) -> str:
    call, result = state.call, state.result
    if result is None:
        return f"Call {call.index} ({call.tool}) has no result."
    kind = f" [{result.code}]" if result.code else ""
    hint = f" Hint: {_quoted(result.hint)}" if result.hint else ""
    return f"Call {call.index} ({call.tool}) failed{kind}: {_quoted(result.output)}{hint}"


def _no_call(given: TurnReview) -> str:
    reply = given.turn.reply
    if reply is not None and reply.finish is FinishReason.LENGTH:
        return f"The answer was cut off before it held a tool call; answer shorter. {_options(given)}"
    return f"The answer held no tool call, so nothing happened. {_options(given)}"


def _options(given: TurnReview) -> str:
    names = ", ".join(options(given.after, review=given.review))
    if not names:
        return f"The card is {given.after.status}, which is final."
    return f"When the work is finished call update_issue_status with one of: {names}."


def _quoted(text: str) -> str:
    text = text.strip()
    return text if len(text) <= QUOTE_CHARS_MAX else f"{text[: QUOTE_CHARS_MAX - 1]}…"
