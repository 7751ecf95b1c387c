"""Everything that can happen, one frozen class per event.

Facts in the past tense, of plain values that survive JSON; all state is folded from them (``runs``).
What happens to workspaces, project sandboxes and pull requests stands beside their words.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from orket.domain.assets import Workload
from orket.domain.budgets import Budget, Spent
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.conversations import ConversationEvent
from orket.domain.identifiers import BlobId, CallId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.domain.models import ModelReply
from orket.domain.projects import ProjectSandboxChanged
from orket.domain.pull_requests import PullRequestDecided, PullRequestEffectFinished
from orket.domain.sandboxes import SandboxStatus
from orket.domain.seat_notes import Note
from orket.domain.tools import GateDecision, HumanVerdict, Recovered, Recovery, ToolCall, ToolResult
from orket.domain.verification import VerificationResult
from orket.domain.workspace_events import WorkspaceEvent
from orket.domain.workspaces import Isolation


@attrs.frozen(kw_only=True)
class RunAccepted:
    """A run was admitted; from here on it will reach an end, whatever crashes.

    A fork begins with what the run ``forked_from`` had recorded up to event ``forked_at``; what the commands
    ``not_repeated`` did there is missing in its workspace. With an ``isolation`` that is a view of a project.
    ``services`` is the project sandbox whose services its commands reach; empty: they have no network.
    """

    workload: Workload
    workspace: str
    model: str = ""
    parallel: int = 3
    budget: Budget = attrs.field(factory=Budget)
    forked_from: str = ""
    forked_at: int = 0
    not_repeated: tuple[CallId, ...] = ()
    isolation: Isolation | None = None
    services: str = ""


@attrs.frozen(kw_only=True)
class RunPaused:
    """Nothing new starts until the run is resumed; ``by`` is a person or ``budget``."""

    by: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class RunResumed:
    """The run goes on by a person, or ``system`` after a restart; budgets replace those that were used up."""

    by: str
    budget: Budget | None = None
    budgets: tuple[tuple[CardId, Budget], ...] = ()


@attrs.frozen(kw_only=True)
class RunParked:
    """Nothing can move until a person decides about the calls named."""

    calls: tuple[CallId, ...]


@attrs.frozen(kw_only=True)
class RunFinished:
    """The end: ``status`` is ``done``, ``blocked``, ``failed`` or ``canceled``, with a reason."""

    status: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class CardAdded:
    """A card joined the run, from the asset or made by a tool."""

    card: Card


@attrs.frozen(kw_only=True)
class CardStatusChanged:
    """A card moved along an arrow of the state machine; ``by`` is a seat or ``system``."""

    card_id: CardId
    previous: CardStatus
    status: CardStatus
    by: str
    wait_reason: WaitReason | None = None
    reason: str = ""


@attrs.frozen(kw_only=True)
class CardCommented:
    """Somebody remarked something on a card."""

    card_id: CardId
    author: str
    text: str


@attrs.frozen(kw_only=True)
class CardRetried:
    """A turn did not move the card; it is tried again with ``note`` for the model."""

    card_id: CardId
    retry_count: int
    note: str


@attrs.frozen(kw_only=True)
class CardFaulted:
    """The actor working on a card failed; ``error`` is ``Type: text``, once per failure."""

    card_id: CardId
    error: str


@attrs.frozen(kw_only=True)
class CardCredited:
    """A seat reported what a card has cost; ``amount_micros`` are millionths of a credit, above 0."""

    card_id: CardId
    by: str
    amount_micros: int
    reason: str = ""


@attrs.frozen(kw_only=True)
class NoteSent:
    """A seat at work on a card left a note for the seat ``to``, for all when that is empty."""

    card_id: CardId
    by: str
    to: str
    text: str


@attrs.frozen(kw_only=True)
class NotesReceived:
    """Notes that reach the seat of a card's turn ``turn``; they stand in this and its later prompts there."""

    card_id: CardId
    turn: int
    seat: str
    notes: tuple[Note, ...]


@attrs.frozen(kw_only=True)
class DecisionRemembered:
    """Something to know in later runs as well: it joins the project's memory."""

    card_id: CardId
    by: str
    text: str


@attrs.frozen(kw_only=True)
class MemoriesRecalled:
    """What the project's memory says to a card from turn ``turn`` on, in place of what it said before."""

    card_id: CardId
    turn: int
    memories: tuple[Memory, ...]


@attrs.frozen(kw_only=True)
class TurnStarted:
    """A seat takes its turn (from 1, per card) on a card.

    ``prompt`` is what is sent, as a blob under its hash; ``prompt_version`` names the words it is made of.
    """

    card_id: CardId
    turn: int
    seat: str
    role: str
    review: bool
    model: str
    prompt: BlobId
    prompt_version: str = ""


@attrs.frozen(kw_only=True)
class ModelReplied:
    """The model answered; ``calls`` are the tool calls of this turn, in order, with their identities.

    ``cost_micros`` is what the reply cost at the environment's prices, in millionths of their currency.
    """

    card_id: CardId
    turn: int
    reply: ModelReply
    calls: tuple[ToolCall, ...]
    cost_micros: int = 0


@attrs.frozen(kw_only=True)
class ModelFailed:
    """The model did not answer, or its reply is of no use; the turn ends without calls."""

    card_id: CardId
    turn: int
    code: str
    error: str
    spent: Spent = attrs.field(factory=Spent)


@attrs.frozen(kw_only=True)
class TurnFinished:
    """A turn is over; ``outcome`` is what the evaluator decided, ``note`` goes into the next prompt."""

    card_id: CardId
    turn: int
    outcome: str
    note: str = ""


@attrs.frozen(kw_only=True)
class ToolCallIntended:
    """Intent and gate decision in one: only after this is recorded may the call act (if allowed).

    ``attempt`` counts from 1; a recovered call is intended again with the next number, and ``recovered`` then
    says what entitles it to that.
    """

    call: ToolCall
    decision: GateDecision
    recovery: Recovery
    attempt: int = 1
    recovered: Recovered | None = None


@attrs.frozen(kw_only=True)
class ToolCallFinished:
    """The receipt: what the call came to. One per call, whatever happened in between."""

    call_id: CallId
    card_id: CardId
    result: ToolResult


@attrs.frozen(kw_only=True)
class ToolCallInDoubt:
    """A call was started, has no receipt, and nobody but a person can tell whether it acted."""

    call_id: CallId
    card_id: CardId
    reason: str


@attrs.frozen(kw_only=True)
class ToolCallDecided:
    """A person decided about a call that waited for one (approval or doubt).

    An approval is good for ``attempt`` of what ``binding`` names, until ``expires_at`` (see ``approvals``).
    """

    call_id: CallId
    card_id: CardId
    verdict: HumanVerdict
    by: str
    binding: str = ""
    attempt: int = 0
    expires_at: datetime | None = None


@attrs.frozen(kw_only=True)
class VerificationFinished:
    """The declared scenarios of a card were executed, before its review turn."""

    card_id: CardId
    result: VerificationResult


@attrs.frozen(kw_only=True)
class SandboxChanged:
    """A sandbox of the run entered a status; the level is the one really obtained.

    ``workspace`` and ``memory`` are the terms of a sandbox that is running, see ``sandboxes.Terms``.
    """

    sandbox_id: str
    driver: str
    level: int
    status: SandboxStatus
    reason: str = ""
    workspace: str = ""
    memory: str = ""


@attrs.frozen(kw_only=True)
class EngineHalted:
    """All work of the engine was ended and nothing starts until it is released; no run's event."""

    by: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class EngineReleased:
    """The engine works again: every run goes on from where it stood; no run's event."""

    by: str


Event = (
    RunAccepted
    | RunPaused
    | RunResumed
    | RunParked
    | RunFinished
    | CardAdded
    | CardStatusChanged
    | CardCommented
    | CardRetried
    | CardFaulted
    | CardCredited
    | NoteSent
    | NotesReceived
    | DecisionRemembered
    | MemoriesRecalled
    | TurnStarted
    | ModelReplied
    | ModelFailed
    | TurnFinished
    | ToolCallIntended
    | ToolCallFinished
    | ToolCallInDoubt
    | ToolCallDecided
    | VerificationFinished
    | SandboxChanged
    | WorkspaceEvent
    | ProjectSandboxChanged
    | PullRequestDecided
    | PullRequestEffectFinished
    | ConversationEvent
    | MemoryAdded
    | MemoryForgotten
    | EngineHalted
    | EngineReleased
)


@attrs.frozen(kw_only=True)
class Recorded:
    """An event on the ledger: gap-free sequence number from 1 over the whole database, time (UTC), run."""

    seq: int
    at: datetime
    run_id: RunId
    event: Event
