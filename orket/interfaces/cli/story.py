"""What is worth telling about a run when it is over: denials, failures, retries, verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from orket.domain.identifiers import CardId
from orket.domain.runs import CallState, RunState, TurnState
from orket.domain.tools import Verdict
from orket.domain.verification import ScenarioStatus
from orket.interfaces.cli.wording import because, call_name, printable

_CHARS_MAX = 160
_RETRIED = "retry"


def denied(state: RunState) -> Iterator[str]:
    """Tell which calls the gate refused, and why."""
    for call in _calls(state):
        if call.decision is not None and call.decision.verdict is Verdict.DENY:
            why = ": ".join(one for one in (call.decision.rule, call.decision.reason) if one)
            yield f"{printable(call.call.card_id)} {call_name(call.call)}{because(why)}"


def retried(state: RunState) -> Iterator[str]:
    """Tell which calls failed and which turns were tried again, with what came of it."""
    for card, turns in state.turns.items():
        for turn in turns:
            for call in turn.calls:
                if _has_failed(call):
                    yield _failure(call, turns)
            if turn.outcome == _RETRIED:
                yield f"{printable(card)} turn {turn.turn} was tried again{because(turn.note)}"


def verified(state: RunState) -> Iterator[str]:
    """Tell what each executed scenario came to."""
    for card, result in state.verifications.items():
        for one in result.results:
            passed = one.status is ScenarioStatus.PASS
            verdict = "passed" if passed else f"failed{because(one.reason)}"
            yield f"{printable(card)} {_title(state, card, one.id)} {verdict}"


def _title(state: RunState, card: CardId, scenario: str) -> str:
    known = state.cards.get(card)
    declared = known.verification.scenarios if known is not None and known.verification is not None else ()
    said = next((one.description for one in declared if one.id == scenario), "")
    return printable(f"{scenario} ({said})" if said else scenario, chars_max=_CHARS_MAX)


def _failure(call: CallState, turns: tuple[TurnState, ...]) -> str:
    assert call.result is not None
    told = f"{printable(call.call.card_id)} {call_name(call.call)} failed, {printable(call.result.code)}"
    place = (call.call.turn, call.call.index)
    later = (
        one
        for turn in turns
        for one in turn.calls
        if (one.call.turn, one.call.index) > place and call_name(one.call) == call_name(call.call)
    )
    mended = next((one for one in later if one.result is not None and one.result.ok), None)
    if mended is None:
        return told + because(call.result.output)
    return f"{told}; ok in turn {mended.call.turn}"


def _has_failed(call: CallState) -> bool:
    is_denied = call.decision is not None and call.decision.verdict is Verdict.DENY
    return call.result is not None and not call.result.ok and not is_denied


def _calls(state: RunState) -> Iterator[CallState]:
    return (call for turns in state.turns.values() for turn in turns for call in turn.calls)
