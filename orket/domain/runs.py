"""The state of a run: nothing but its events, folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, assert_never

import attrs

from orket.domain import conversations as c
from orket.domain import events as e
from orket.domain import workspace_events as w
from orket.domain.approvals import Approval
from orket.domain.budgets import Budget, Spending, Spent
from orket.domain.cards import WAITING, Card, CardStatus, CardType, Comment
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.domain.projects import ProjectSandboxChanged
from orket.domain.pull_requests import PullRequestDecided, PullRequestEffectFinished
from orket.domain.seat_notes import Note, Received, delivered, kept
from orket.domain.tools import HumanVerdict
from orket.domain.turns import HISTORY_TURNS_MAX as HISTORY_TURNS_MAX
from orket.domain.turns import CallDraft, TurnDraft, Turns
from orket.domain.turns import CallState as CallState
from orket.domain.turns import TurnState as TurnState
from orket.domain.verification import VerificationResult
from orket.domain.workspaces import Application, ApplyStatus, WorkspaceState


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


def _turns(told: Mapping[CardId, tuple[TurnState, ...]]) -> Turns:
    return told if isinstance(told, Turns) else Turns(told)


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
    turns: Turns = attrs.field(factory=Turns, converter=_turns)
    turn_counts: dict[CardId, int] = attrs.field(factory=dict)
    faults: dict[CardId, int] = attrs.field(factory=dict)
    verifications: dict[CardId, VerificationResult] = attrs.field(factory=dict)
    sent_back: dict[CardId, VerificationResult] = attrs.field(factory=dict)
    spent_on: Spending = attrs.field(factory=Spending)
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
        return self.spent_on.total()

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
        if (fold := _OF_A_TURN.get(type(event))) is not None:
            fold(self, event)
        else:
            self._apply_other(event, seq)

    def _apply_other(self, event: e.Event, seq: int) -> None:
        match event:
            case e.TurnStarted() | e.ModelReplied() | e.ModelFailed() | e.TurnFinished():
                pass  # see _OF_A_TURN
            case e.ToolCallIntended() | e.ToolCallFinished() | e.ToolCallInDoubt() | e.ToolCallDecided():
                pass  # likewise
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
            case e.EngineHalted() | e.EngineReleased() | ProjectSandboxChanged():
                pass  # no run's event
            case PullRequestDecided() | PullRequestEffectFinished() | MemoryAdded() | MemoryForgotten():
                pass  # likewise
            case c.SessionOpened() | c.MessageHeard() | c.MessageAnswered() | c.ProposalAccepted():
                pass  # likewise
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
                self.sent_back.pop(event.card_id, None)
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
                    old = self.verifications.pop(card.id, None)  # new work, so the old verdict is stale
                    if old is not None and not old.ok:
                        self.sent_back[card.id] = old
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

    def _raise_budgets(self, event: e.RunResumed) -> None:
        if event.budget is not None and self.accepted is not None:
            self.accepted = attrs.evolve(self.accepted, budget=event.budget)
        for card_id, budget in event.budgets:
            self.budgets[card_id] = budget


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


def _turn_started(state: RunState, event: e.TurnStarted) -> None:
    card = event.card_id
    draft = TurnDraft(card, event.turn, event.seat, event.role, event.model, review=event.review)
    state.turns.begin(card, draft)
    state.turn_counts[card] = event.turn
    state.spent_on.account(card).turns += 1


def _model_replied(state: RunState, event: e.ModelReplied) -> None:
    reply, turn = event.reply, _newest(state, event.card_id)
    turn.reply = reply
    turn.propose(event.calls)
    account = state.spent_on.account(event.card_id)
    account.use(reply.usage)
    account.wall_ms += reply.duration_ms
    account.cost_micros += event.cost_micros


def _model_failed(state: RunState, event: e.ModelFailed) -> None:
    turn = _newest(state, event.card_id)
    turn.error, turn.error_code = event.error, event.code
    state.spent_on.account(event.card_id).add(event.spent)


def _turn_finished(state: RunState, event: e.TurnFinished) -> None:
    turn = _newest(state, event.card_id)
    turn.outcome, turn.note = event.outcome, event.note
    state.faults.pop(event.card_id, None)  # faults count only while nothing gets done


def _newest(state: RunState, card: CardId) -> TurnDraft:
    if (turn := state.turns.newest(card)) is None:
        raise IndexError(f"card {card} had no turn")
    return turn


def _intended(state: RunState, event: e.ToolCallIntended) -> None:
    card = event.call.card_id
    if (call := _call(state, card, event.call.id)) is not None:
        call.decision, call.recovery, call.attempts = event.decision, event.recovery, event.attempt
        call.doubt = ""
        call.verdict = call.approval = None  # a person's word is good for one attempt
    if event.attempt == 1:
        state.spent_on.account(card).tool_calls += 1


def _finished(state: RunState, event: e.ToolCallFinished) -> None:
    result = event.result
    if (call := _call(state, event.card_id, event.call_id)) is not None:
        call.result = result
    account = state.spent_on.account(event.card_id)
    account.wall_ms += result.duration_ms
    account.output_bytes += len(result.output.encode())


def _in_doubt(state: RunState, event: e.ToolCallInDoubt) -> None:
    if (call := _call(state, event.card_id, event.call_id)) is not None:
        call.doubt = event.reason


def _decided(state: RunState, event: e.ToolCallDecided) -> None:
    if (call := _call(state, event.card_id, event.call_id)) is not None:
        call.verdict, call.approval = event.verdict, _approval(event)


def _call(state: RunState, card: CardId, call: CallId) -> CallDraft | None:
    turn = state.turns.newest(card)
    return None if turn is None else turn.call(call)


# What happens in every turn is folded without looking through all that can happen.
_OF_A_TURN: Mapping[type, Callable[[RunState, Any], None]] = MappingProxyType(
    {
        e.TurnStarted: _turn_started,
        e.ModelReplied: _model_replied,
        e.ModelFailed: _model_failed,
        e.TurnFinished: _turn_finished,
        e.ToolCallIntended: _intended,
        e.ToolCallFinished: _finished,
        e.ToolCallInDoubt: _in_doubt,
        e.ToolCallDecided: _decided,
    }
)
