"""One card as the ledger tells it: its fields, history, comments, calls and what it has used. Pure."""

from __future__ import annotations

from datetime import datetime

import attrs

from orket.domain import events as e
from orket.domain.budgets import MICROS, Spent
from orket.domain.cards import Card
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.runs import RunState, TurnState
from orket.domain.state_machine import SYSTEM
from orket.domain.tools import ToolCall, Verdict
from orket.domain.verification import VerificationResult

LISTED_MAX = 50


@attrs.frozen(kw_only=True)
class Entry:
    """One line of a card's history: when, who, and what; ``seq`` is the event on the ledger."""

    seq: int
    at: datetime
    by: str
    text: str


@attrs.frozen(kw_only=True)
class Remark:
    """One comment on the card."""

    seq: int
    at: datetime
    author: str
    text: str


@attrs.frozen(kw_only=True)
class CallLine:
    """One tool call of the card; ``verdict`` is the gate's, ``outcome`` ``ok``, the error's code, or open."""

    id: CallId
    turn: int
    seat: str
    tool: str
    arguments_json: str
    verdict: Verdict | None = None
    rule: str = ""
    attempts: int = 0
    outcome: str = ""
    duration_ms: int = 0


@attrs.frozen(kw_only=True)
class CardAccount:
    """Everything recorded about one card of a run; lists are oldest first.

    ``since`` is when it came to where it stands.
    """

    run_id: RunId
    card: Card
    since: datetime
    history: tuple[Entry, ...]
    comments: tuple[Remark, ...]
    calls: tuple[CallLine, ...]
    turns: int
    spent: Spent
    credits_micros: int
    verification: VerificationResult | None
    children: tuple[CardId, ...]


class CardStory:
    """Folds a run's events into the account of one card, and when every card came to where it stands."""

    def __init__(self, run_id: RunId, card_id: CardId | None = None) -> None:
        self.state = RunState(run_id=run_id)
        self.since: dict[CardId, datetime] = {}
        self._card_id = card_id
        self._history: list[Entry] = []
        self._comments: list[Remark] = []
        self._calls: dict[CallId, CallLine] = {}

    def take(self, recorded: e.Recorded) -> None:
        """Fold one more event."""
        event = recorded.event
        before = self.state.open_turn(self._card_id) if self._card_id is not None else None
        self.state.apply_recorded(recorded)
        if isinstance(event, e.CardAdded):
            self.since[event.card.id] = recorded.at
        elif isinstance(event, e.CardStatusChanged):
            self.since[event.card_id] = recorded.at
        if self._card_id is None or _about(event) != self._card_id:
            return
        if isinstance(event, e.CardCommented):
            self._comments.append(
                Remark(seq=recorded.seq, at=recorded.at, author=event.author, text=event.text)
            )
        for by, text in _told(event):
            self._history.append(Entry(seq=recorded.seq, at=recorded.at, by=by, text=text))
        self._take_call(event, before)

    def account(self) -> CardAccount:
        """Say what has come of the card.

        Raises:
            CardNotFound: The run has no such card.
        """
        state, card_id = self.state, self._card_id
        if card_id is None or card_id not in state.cards:
            known = ", ".join(list(state.cards)[:LISTED_MAX]) or "none"
            raise CardNotFound(f"run {state.run_id} has no card {card_id!r}; its cards: {known}")
        return CardAccount(
            run_id=state.run_id,
            card=state.cards[card_id],
            since=self.since[card_id],
            history=tuple(self._history),
            comments=tuple(self._comments),
            calls=tuple(self._calls.values()),
            turns=state.turn_counts.get(card_id, 0),
            spent=state.spent_on.get(card_id, Spent()),
            credits_micros=state.credits.get(card_id, 0),
            verification=state.verifications.get(card_id),
            children=tuple(one.id for one in state.cards.values() if one.parent_id == card_id),
        )

    def _take_call(self, event: e.Event, turn: TurnState | None) -> None:
        match event:
            case e.ModelReplied():
                for call in event.calls:
                    self._calls[call.id] = _line(call, "" if turn is None else turn.seat)
            case e.ToolCallIntended(call=call, decision=decision):
                known = self._calls.get(call.id) or _line(call, "")
                self._calls[call.id] = attrs.evolve(
                    known,
                    verdict=decision.verdict,
                    rule=decision.rule,
                    attempts=event.attempt,
                    outcome="under way" if decision.verdict is Verdict.ALLOW else "waits for a person",
                )
            case e.ToolCallInDoubt():
                self._change(event.call_id, outcome="in doubt")
            case e.ToolCallDecided():
                self._change(event.call_id, outcome=f"decided: {event.verdict}")
            case e.ToolCallFinished(result=result):
                outcome = "ok" if result.ok else (result.code or "failed")
                self._change(event.call_id, outcome=outcome, duration_ms=result.duration_ms)
            case _:
                pass

    def _change(self, call: CallId, **changes: object) -> None:
        if (known := self._calls.get(call)) is not None:
            self._calls[call] = attrs.evolve(known, **changes)  # type: ignore[arg-type]  # mypy checks evolve's keywords one by one only


def _line(call: ToolCall, seat: str) -> CallLine:
    return CallLine(
        id=call.id,
        turn=call.turn,
        seat=seat,
        tool=call.tool,
        arguments_json=call.arguments_json,
        outcome="proposed",
    )


def _about(event: e.Event) -> CardId | None:
    match event:
        case e.CardAdded(card=card):
            return card.id
        case e.ToolCallIntended(call=call):
            return call.card_id
        case _:
            return getattr(event, "card_id", None)


def _told(event: e.Event) -> tuple[tuple[str, str], ...]:
    """Word an event of the card's history as who and what; calls and replies have a list of their own."""
    match event:
        case e.CardAdded():
            return ((SYSTEM, "joined the run"),)
        case e.CardStatusChanged():
            why = ": ".join(one for one in (event.wait_reason, event.reason) if one)
            told = f"{event.previous} → {event.status}" + (f" ({why})" if why else "")
            return ((event.by, told),)
        case e.CardCommented():
            return ((event.author, "commented"),)
        case e.CardCredited():
            why = f" ({event.reason})" if event.reason else ""
            return ((event.by, f"reported {event.amount_micros / MICROS:g} credits{why}"),)
        case e.NoteSent():
            return ((event.by, f"note to {event.to or 'all seats'}: {event.text}"),)
        case e.NotesReceived(notes=notes):
            return tuple((one.by, f"note received in turn {event.turn}: {one.text}") for one in notes)
        case e.DecisionRemembered():
            return ((event.by, f"remembered: {event.text}"),)
        case e.MemoriesRecalled(memories=memories):
            told = "nothing" if not memories else f"{len(memories)} from memory"
            return ((SYSTEM, f"recalled {told} for turn {event.turn}"),)
        case e.CardRetried():
            return ((SYSTEM, f"retry {event.retry_count}: {event.note}"),)
        case e.CardFaulted():
            return ((SYSTEM, f"fault: {event.error}"),)
        case e.TurnStarted():
            doing = "reviews" if event.review else "works"
            return ((event.seat, f"turn {event.turn}: {doing} as {event.role}, with {event.model}"),)
        case e.ModelFailed():
            return ((SYSTEM, f"turn {event.turn}: the model failed ({event.code}): {event.error}"),)
        case e.VerificationFinished(result=result):
            return ((SYSTEM, f"verification: {result.passed} of {len(result.results)} passed"),)
        case e.ToolCallInDoubt():
            return ((SYSTEM, f"call {event.call_id} is in doubt: {event.reason}"),)
        case e.ToolCallDecided():
            return ((event.by, f"call {event.call_id}: {event.verdict}"),)
        case _:
            return ()
