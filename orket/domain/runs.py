"""The state of a run: nothing but its events, folded."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

import attrs

from orket.domain import events as e
from orket.domain import workspace_events as w
from orket.domain.approvals import Approval
from orket.domain.budgets import Budget, Spent
from orket.domain.cards import WAITING, Card, CardStatus, CardType, Comment
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.models import ModelReply
from orket.domain.projects import ProjectSandboxChanged
from orket.domain.pull_requests import PullRequestDecided, PullRequestEffectFinished
from orket.domain.seat_notes import Note, Received, delivered, kept
from orket.domain.tools import GateDecision, HumanVerdict, Recovery, ToolCall, ToolResult
from orket.domain.verification import VerificationResult
from orket.domain.workspaces import Application, ApplyStatus, WorkspaceState

HISTORY_TURNS_MAX = 20
NOTHING, ONE_TURN, ONE_CALL = Spent(), Spent(turns=1), Spent(tool_calls=1)


class RunStatus(StrEnum):
    """Where a run stands; the last four are final."""

    RUNNING = "running"
    PAUSED = "paused"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    DONE = "done"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELED = "canceled"


FINAL_RUN = frozenset({RunStatus.DONE, RunStatus.BLOCKED, RunStatus.FAILED, RunStatus.CANCELED})


@attrs.frozen(kw_only=True)
class CallState:
    """How far one tool call has come: proposed, intended, in doubt, decided by a person, finished."""

    call: ToolCall
    decision: GateDecision | None = None
    recovery: Recovery = Recovery.ASK_HUMAN
    attempts: int = 0
    doubt: str = ""
    verdict: HumanVerdict | None = None
    approval: Approval | None = None
    result: ToolResult | None = None

    @property
    def waits_for_person(self) -> bool:
        """Whether a person must decide before this call can end."""
        if self.result is not None or self.verdict is not None:
            return False
        return bool(self.doubt) or (self.decision is not None and self.decision.verdict == "ask")


@attrs.frozen(kw_only=True)
class TurnState:
    """How far one turn has come; ``outcome`` is empty while it is open."""

    card_id: CardId
    turn: int
    seat: str
    role: str
    review: bool
    model: str = ""
    reply: ModelReply | None = None
    error: str = ""
    error_code: str = ""
    calls: tuple[CallState, ...] = ()
    outcome: str = ""
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the turn still has something to do."""
        return not self.outcome


@attrs.define(kw_only=True)
class RunState:
    """A run as its events tell it; ``apply`` is the only way it changes.

    The live view of a watcher, the projection of the store, the memory of the run actor and recovery all
    fold the same events with this class, so they cannot disagree.
    """

    run_id: RunId
    status: RunStatus = RunStatus.RUNNING
    reason: str = ""
    accepted: e.RunAccepted | None = None
    cards: dict[CardId, Card] = attrs.field(factory=dict)
    comments: dict[CardId, tuple[Comment, ...]] = attrs.field(factory=dict)
    turns: dict[CardId, tuple[TurnState, ...]] = attrs.field(factory=dict)
    turn_counts: dict[CardId, int] = attrs.field(factory=dict)
    faults: dict[CardId, int] = attrs.field(factory=dict)
    verifications: dict[CardId, VerificationResult] = attrs.field(factory=dict)
    spent_on: dict[CardId, Spent] = attrs.field(factory=dict)
    budgets: dict[CardId, Budget] = attrs.field(factory=dict)
    credits: dict[CardId, int] = attrs.field(factory=dict)
    notes: tuple[Note, ...] = ()
    notes_sent: int = 0
    received: dict[CardId, Received] = attrs.field(factory=dict)
    recalled: dict[CardId, tuple[Memory, ...]] = attrs.field(factory=dict)
    level: str = ""
    workspace: WorkspaceState = attrs.field(factory=WorkspaceState)
    last_seq: int = 0

    @classmethod
    def fold(cls, run_id: RunId, recorded: Iterable[e.Recorded]) -> RunState:
        """Fold a run's events from the first on."""
        state = cls(run_id=run_id)
        for one in recorded:
            state.apply_recorded(one)
        return state

    def apply_recorded(self, recorded: e.Recorded) -> None:
        """Fold one more recorded event; one that was already folded is passed over."""
        if recorded.seq > self.last_seq:
            self.apply(recorded.event, recorded.seq)
            self.last_seq = recorded.seq

    @property
    def spent(self) -> Spent:
        """What was spent on all cards together."""
        return sum(self.spent_on.values(), NOTHING)

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self.status in FINAL_RUN

    @property
    def issues(self) -> dict[CardId, Card]:
        """The cards that are worked on, in the order they were added."""
        return {key: card for key, card in self.cards.items() if card.type is CardType.ISSUE}

    def open_turn(self, card: CardId) -> TurnState | None:
        """The card's unfinished turn, or None."""
        last = self.turns.get(card, ())[-1:]
        return last[0] if last and last[0].is_open else None

    def waiting_calls(self) -> tuple[CallState, ...]:
        """All calls that a person must decide about, in ledger order of their cards."""
        return tuple(
            call
            for turns in self.turns.values()
            for turn in turns
            for call in turn.calls
            if call.waits_for_person
        )

    def find_call(self, call: CallId) -> CallState | None:
        """Find a call of the remembered turns by its id, or None."""
        for turns in self.turns.values():
            for turn in turns:
                for one in turn.calls:
                    if one.call.id == call:
                        return one
        return None

    def apply(self, event: e.Event, seq: int = 0) -> None:
        """Fold one event; ``seq`` is its place on the ledger."""
        match event:  # first what happens in every turn
            case e.TurnStarted() | e.ModelReplied() | e.ModelFailed() | e.TurnFinished():
                self._apply_turn(event)
            case e.ToolCallIntended() | e.ToolCallFinished() | e.ToolCallInDoubt() | e.ToolCallDecided():
                self._apply_call(event)
            case e.CardAdded() | e.CardStatusChanged() | e.CardCommented() | e.CardRetried():
                self._apply_card(event)
            case e.RunAccepted():
                self.accepted = event
            case e.RunPaused() | e.RunResumed() | e.RunFinished() if self.is_final:
                pass  # the command and the end have crossed: the end stands
            case e.RunPaused():
                self.status, self.reason = RunStatus.PAUSED, event.reason
            case e.RunResumed():
                self.status, self.reason = RunStatus.RUNNING, ""
                self._raise_budgets(event)
            case e.RunParked():
                if self.status is RunStatus.RUNNING:  # a person's pause is not lifted by coming to rest
                    self.status = RunStatus.WAITING_FOR_APPROVAL
            case e.RunFinished():
                self.status, self.reason = RunStatus(event.status), event.reason
            case (
                e.EngineHalted()
                | e.EngineReleased()
                | ProjectSandboxChanged()
                | PullRequestDecided()
                | PullRequestEffectFinished()
            ):
                pass  # no run's event
            case e.SandboxChanged():
                self.level = f"{event.driver} (level {event.level})"
                if event.workspace:
                    self.workspace = attrs.evolve(self.workspace, level=event.workspace)
            case (
                w.WorkspaceApplying()
                | w.WorkspaceApplied()
                | w.WorkspaceRollingBack()
                | w.WorkspaceRolledBack()
                | w.WorkspaceDiscarded()
                | w.WorkspaceFileSaving()
                | w.WorkspaceFileSaved()
            ):
                self.workspace = _moved(self.workspace, event, seq)
            case e.CardFaulted():
                self.faults[event.card_id] = self.faults.get(event.card_id, 0) + 1
            case e.VerificationFinished():
                self.verifications[event.card_id] = event.result
            case (
                e.CardCredited()
                | e.NoteSent()
                | e.NotesReceived()
                | e.DecisionRemembered()
                | e.MemoriesRecalled()
            ):
                self._apply_word(event)
            case _:
                assert_never(event)

    def _apply_card(self, event: e.CardAdded | e.CardStatusChanged | e.CardCommented | e.CardRetried) -> None:
        match event:
            case e.CardAdded(card=card):
                self.cards[card.id] = card
            case e.CardStatusChanged():
                card = self.cards[event.card_id]
                waits = event.status in WAITING
                self.cards[card.id] = attrs.evolve(
                    card,
                    status=event.status,
                    wait_reason=event.wait_reason if waits else None,
                    wait_note=event.reason if waits else "",
                    retry_count=card.retry_count if waits else 0,
                )
                if event.status is CardStatus.IN_PROGRESS:
                    self.verifications.pop(card.id, None)  # new work, so the old verdict is stale
            case e.CardCommented():
                remark = Comment(event.author, event.text)
                self.comments[event.card_id] = (*self.comments.get(event.card_id, ()), remark)
            case e.CardRetried():
                card = self.cards[event.card_id]
                self.cards[card.id] = attrs.evolve(card, retry_count=event.retry_count)

    def _apply_word(
        self,
        event: e.CardCredited | e.NoteSent | e.NotesReceived | e.DecisionRemembered | e.MemoriesRecalled,
    ) -> None:
        match event:
            case e.CardCredited(card_id=card):
                self.credits[card] = self.credits.get(card, 0) + event.amount_micros
            case e.NoteSent():
                self.notes_sent += 1
                sent = Note(
                    number=self.notes_sent,
                    card_id=event.card_id,
                    by=event.by,
                    to=event.to,
                    text=event.text,
                )
                self.notes = kept((*self.notes, sent))
            case e.NotesReceived(card_id=card):
                self.received[card] = delivered(self.received.get(card, ()), event.seat, event.notes)
            case e.MemoriesRecalled(card_id=card):
                self.recalled[card] = event.memories
            case e.DecisionRemembered():
                pass  # it is the project's, not the run's

    def _apply_turn(self, event: e.TurnStarted | e.ModelReplied | e.ModelFailed | e.TurnFinished) -> None:
        turns = self.turns.get(event.card_id, ())
        match event:
            case e.TurnStarted():
                opened = TurnState(
                    card_id=event.card_id,
                    turn=event.turn,
                    seat=event.seat,
                    role=event.role,
                    review=event.review,
                    model=event.model,
                )
                turns = (*turns, opened)[-HISTORY_TURNS_MAX:]
                self.turn_counts[event.card_id] = event.turn
                self._spend(event.card_id, ONE_TURN)
            case e.ModelReplied(reply=reply):
                calls = tuple(CallState(call=one) for one in event.calls)
                turns = (*turns[:-1], attrs.evolve(turns[-1], reply=reply, calls=calls))
                used = Spent(usage=reply.usage, wall_ms=reply.duration_ms, cost_micros=event.cost_micros)
                self._spend(event.card_id, used)
            case e.ModelFailed():
                turns = (*turns[:-1], attrs.evolve(turns[-1], error=event.error, error_code=event.code))
                self._spend(event.card_id, event.spent)
            case e.TurnFinished():
                ended = attrs.evolve(turns[-1], outcome=event.outcome, note=event.note)
                turns = (*turns[:-1], ended)
                self.faults.pop(event.card_id, None)  # faults count only while nothing gets done
        self.turns[event.card_id] = turns

    def _spend(self, card: CardId, used: Spent) -> None:
        before = self.spent_on.get(card)
        self.spent_on[card] = used if before is None else before + used

    def _raise_budgets(self, event: e.RunResumed) -> None:
        if event.budget is not None and self.accepted is not None:
            self.accepted = attrs.evolve(self.accepted, budget=event.budget)
        for card_id, budget in event.budgets:
            self.budgets[card_id] = budget

    def _apply_call(
        self,
        event: e.ToolCallIntended | e.ToolCallFinished | e.ToolCallInDoubt | e.ToolCallDecided,
    ) -> None:
        if isinstance(event, e.ToolCallIntended):
            self._change_call(
                event.call.card_id,
                event.call.id,
                decision=event.decision,
                recovery=event.recovery,
                attempts=event.attempt,
                doubt="",
                verdict=None,  # a person's word is good for one attempt
                approval=None,
            )
            if event.attempt == 1:
                self._spend(event.call.card_id, ONE_CALL)
        elif isinstance(event, e.ToolCallFinished):
            self._change_call(event.card_id, event.call_id, result=event.result)
            answered = len(event.result.output.encode())
            self._spend(event.card_id, Spent(wall_ms=event.result.duration_ms, output_bytes=answered))
        elif isinstance(event, e.ToolCallInDoubt):
            self._change_call(event.card_id, event.call_id, doubt=event.reason)
        else:
            self._change_call(event.card_id, event.call_id, verdict=event.verdict, approval=_approval(event))

    def _change_call(self, card: CardId, call: CallId, **changes: object) -> None:
        turns = self.turns.get(card, ())
        if not turns:
            return
        calls = tuple(
            attrs.evolve(one, **changes) if one.call.id == call else one  # type: ignore[arg-type]  # mypy checks evolve's keywords one by one only
            for one in turns[-1].calls
        )
        self.turns[card] = (*turns[:-1], attrs.evolve(turns[-1], calls=calls))


def _moved(
    known: WorkspaceState,
    event: w.WorkspaceEvent,
    seq: int,
) -> WorkspaceState:
    match event:
        case w.WorkspaceApplying():
            begun = Application(number=event.number, seq=seq, project=event.project, plan=event.plan)
            return attrs.evolve(known, applications=(*known.applications, begun))
        case w.WorkspaceApplied():
            return known.moved(event.number, ApplyStatus.APPLIED)
        case w.WorkspaceRollingBack():
            return known.moved(event.number, ApplyStatus.ROLLING_BACK)
        case w.WorkspaceRolledBack():
            return known.moved(event.number, ApplyStatus.ROLLED_BACK)
        case w.WorkspaceDiscarded():
            return attrs.evolve(known, discarded=True)
        case w.WorkspaceFileSaving() | w.WorkspaceFileSaved():
            return known


def _approval(decided: e.ToolCallDecided) -> Approval | None:
    if decided.verdict is not HumanVerdict.APPROVE:
        return None
    return Approval(binding=decided.binding, attempt=decided.attempt, expires_at=decided.expires_at)
