"""The families of decision nodes, as protocols, with their frozen inputs and outputs.

A node gets everything it may look at as an argument and returns a value. It does no I/O, reads no clock and
no environment, draws no randomness and constructs nothing that lives. The engine collects the inputs and
carries out what was decided. A node that raises fails the actor that asked it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, runtime_checkable

import attrs

from orket.decision_nodes.house_rules import PROMPT_TOKENS
from orket.decision_nodes.memo import Memo
from orket.decision_nodes.project_decisions import ProjectDecisions
from orket.domain.assets import Dialect, Epic, Organization, PolicyRule, Role, Seat, Team, Workload
from orket.domain.cards import Card, CardStatus, Comment, WaitReason
from orket.domain.identifiers import CardId
from orket.domain.memory import Memory
from orket.domain.models import Calling, ChatMessage, ModelReply, ProposedCall
from orket.domain.ports import RunSummary
from orket.domain.runs import TurnState
from orket.domain.sandboxes import Limits
from orket.domain.seat_notes import Note
from orket.domain.tools import GateDecision, Recovery, ToolCall, ToolSpec
from orket.domain.verification import VerificationResult


@attrs.frozen(kw_only=True)
class PlanInput:
    """All issues of the current epic as they stand, which of them are being worked on, and the target."""

    cards: Mapping[CardId, Card]
    busy: frozenset[CardId]
    only: CardId | None


class Planner(Protocol):
    """``planner_node``: which cards to work on next, best first; the loop takes as many as fit."""

    def plan(self, given: PlanInput) -> tuple[CardId, ...]:
        """Choose among the cards that are ready (dependencies done), in progress or in review."""
        ...


class Router(Protocol):
    """``router_node``: who takes a card's turn."""

    def route(self, card: Card, team: Team, *, review: bool) -> Seat | None:
        """Name the seat; on review one that holds ``integrity_guard``. None when the team has none."""
        ...


@attrs.frozen(kw_only=True)
class PromptInput:
    """Everything a prompt may say.

    ``notes`` are those of other seats that have reached this one, ``memories`` what the project's memory
    tells, ``idesign`` says whether the gate holds this epic to iDesign. ``sent_back`` is the failed
    verification with which the card came back to be worked on. ``tokens_max`` bounds the prompt. What was
    written in earlier turns may stand in ``memo``.
    """

    card: Card
    epic: Epic
    seat: Seat
    role: Role
    review: bool
    dialect: Dialect | None
    tools: tuple[ToolSpec, ...]
    comments: tuple[Comment, ...]
    verification: VerificationResult | None
    history: tuple[TurnState, ...]
    workload: Workload
    notes: tuple[Note, ...] = ()
    memories: tuple[Memory, ...] = ()
    idesign: bool = False
    sent_back: VerificationResult | None = None
    calling: Calling = Calling.NATIVE
    tokens_max: int = PROMPT_TOKENS.default
    memo: Memo = attrs.field(factory=dict, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class PromptPart:
    """One part of a prompt: in which message (from 0) it stands, what it is called, and why it is there.

    ``source`` names where its words come from, ``chars_left_out`` how much of them did not fit. ``tokens`` is
    an estimate on the high side. A part of which nothing is told has ``chars`` 0.
    """

    message: int
    name: str
    source: str
    chars: int
    tokens: int
    chars_left_out: int = 0
    note: str = ""


@attrs.frozen(kw_only=True)
class PromptAccount:
    """A prompt that explains itself: ``messages`` are exactly those that ``compile`` writes."""

    messages: tuple[ChatMessage, ...]
    parts: tuple[PromptPart, ...]
    tokens: int
    tokens_max: int


@attrs.frozen(kw_only=True)
class ModelChoice:
    """Which model answers, in which dialect it is asked, how it is given its tools, who answers instead."""

    model: str
    dialect: str
    calling: Calling = Calling.NATIVE
    fallbacks: tuple[str, ...] = ()


class PromptStrategy(Protocol):
    """``prompt_strategy_node``: which model, which dialect, which words."""

    def choose_model(
        self, role: Role, epic: Epic, organization: Organization, *, override: str
    ) -> ModelChoice:
        """Choose; an override by the user wins, then the asset, then the environment, then the house."""
        ...

    def compile(self, given: PromptInput) -> tuple[ChatMessage, ...]:
        """Write the conversation: one system message, then the card, then this card's own history."""
        ...


@runtime_checkable
class ExplainsPrompts(Protocol):
    """What a prompt strategy may offer as well: its words' version, and where they come from."""

    @property
    def version(self) -> str:
        """Name this version of the words; it goes onto the ledger with every turn."""
        ...

    def explain(self, given: PromptInput) -> PromptAccount:
        """Write the same conversation as ``compile``, part by part."""
        ...


@attrs.frozen(kw_only=True)
class Offer:
    """What is sent: the conversation, and the schema that the answer must keep to, if there is one.

    ``temperature`` and ``seed`` are those of this question alone; None leaves what the environment says.
    """

    messages: tuple[ChatMessage, ...]
    schema_json: str = ""
    temperature: float | None = None
    seed: int | None = None


@attrs.frozen(kw_only=True)
class Reading:
    """The calls that a reply asks for; or a stable ``code`` and what the model is to be told instead."""

    calls: tuple[ProposedCall, ...] = ()
    code: str = ""
    problem: str = ""


class DialectNode(Protocol):
    """``dialect_node``: how a model is given its tools, and how its answer is read."""

    def narrow(self, tools: tuple[ToolSpec, ...], calling: Calling) -> tuple[ToolSpec, ...]:
        """Choose among the tools of a seat those that such a model can make use of."""
        ...

    def offer(self, messages: tuple[ChatMessage, ...], given: PromptInput) -> Offer:
        """Write the conversation and the schema in the model's dialect."""
        ...

    def read(self, reply: ModelReply, tools: tuple[ToolSpec, ...]) -> Reading:
        """Find the calls of a reply, whether native or written in its text."""
        ...


class Next(StrEnum):
    """What follows a turn."""

    SETTLED = "settled"
    CONTINUE = "continue"
    RETRY = "retry"
    BLOCK = "block"


@attrs.frozen(kw_only=True)
class TurnReview:
    """A turn that has ended, seen from the card; ``turns_taken`` counts those of this assignment."""

    before: Card
    after: Card
    turn: TurnState
    review: bool
    turns_taken: int
    turns_max: int


@attrs.frozen(kw_only=True)
class Evaluation:
    """What follows, with the note for the next prompt or the reason for the block."""

    next: Next
    note: str = ""
    wait_reason: WaitReason | None = None


class Evaluator(Protocol):
    """``evaluator_node``: what follows a turn."""

    def evaluate(self, given: TurnReview) -> Evaluation:
        """Judge a finished turn."""
        ...


class ToolStrategy(Protocol):
    """``tool_strategy_node``: which of the installed tools a seat is offered, and under which declaration."""

    def compose(
        self, installed: tuple[ToolSpec, ...], role: Role, organization: Organization
    ) -> tuple[ToolSpec, ...]:
        """Choose and adjust."""
        ...


@attrs.frozen(kw_only=True)
class GateInput:
    """One call and all that may count for or against it; ``spec`` is None for an unknown tool.

    ``forbidden_types`` are the endings, lower-cased, of files that the house does not want written.
    """

    call: ToolCall
    arguments: Mapping[str, object]
    spec: ToolSpec | None
    seat: str
    roles: tuple[str, ...]
    role_tools: tuple[str, ...]
    card: Card
    verification: VerificationResult | None
    policy: tuple[PolicyRule, ...]
    idesign: bool
    forbidden_types: tuple[str, ...] = ()


class ToolGate(Protocol):
    """``tool_gate_node``: whether a call may act; deny beats ask beats allow."""

    def judge(self, given: GateInput) -> GateDecision:
        """Decide, and say which rule decided."""
        ...


@attrs.frozen(kw_only=True)
class Admission:
    """Whether a run may start; ``refusal`` is empty when it may."""

    refusal: str = ""


class RunAdmission(Protocol):
    """``run_admission_node``: whether a run may start now."""

    def admit(self, workload: Workload, workspace: str, open_runs: tuple[RunSummary, ...]) -> Admission:
        """Judge a run before it is recorded."""
        ...


class RecoveryAction(StrEnum):
    """What to do with a call that may or may not have acted."""

    RUN_AGAIN = "run_again"
    PROBE = "probe"
    COMPENSATE = "compensate"
    ASK = "ask"


class RecoveryNode(Protocol):
    """``recovery_node``: what to do with a call in doubt."""

    def recover(self, spec: ToolSpec, recovery: Recovery, attempts: int) -> RecoveryAction:
        """Decide from the declared recovery and how often the call was intended."""
        ...


@attrs.frozen(kw_only=True)
class LoopLimits:
    """The bounds of a run's loop."""

    parallel: int
    turns_per_assignment_max: int
    turns_per_card_max: int
    calls_per_turn_max: int
    faults_per_card_max: int


@attrs.frozen(kw_only=True)
class LoopEnd:
    """How a run ends when nothing can move any more."""

    status: str
    reason: str


class OrchestrationLoop(Protocol):
    """``orchestration_loop_node``: the bounds of the loop and the verdict at its end."""

    def limits(self, organization: Organization, requested: int | None) -> LoopLimits:
        """Set the bounds; ``requested`` is how many cards the caller wants at a time."""
        ...

    def is_review(self, status: CardStatus) -> bool:
        """Whether a card in this status gets a review turn."""
        ...

    def conclude(self, cards: Mapping[CardId, Card], only: CardId | None = None) -> LoopEnd:
        """Tell the truth about a run whose cards, or the ``only`` one that was wanted, can no longer move."""
        ...


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often a model call is tried and how long is waited in between, in seconds."""

    attempts_max: int
    first_delay_s: float
    delay_max_s: float


class ModelClientNode(Protocol):
    """``model_client_node``: which adapter serves a model, and how patiently."""

    def adapter(self, model: str) -> str:
        """Name the adapter, for example ``scripted`` for ``scripted:replies.json``."""
        ...

    def retries(self, model: str) -> RetryPolicy:
        """Set the patience."""
        ...


class LoaderStrategy(Protocol):
    """``loader_strategy_node``: where assets are looked for."""

    def candidates(self, category: str, name: str, department: str) -> tuple[str, ...]:
        """List paths relative to the model directory's root, the first that exists wins."""
        ...


class SandboxPolicy(ProjectDecisions, Protocol):
    """``sandbox_policy_node``: a run's sandbox levels, its name and bounds; the stacks of projects."""

    def levels(self, organization: Organization) -> tuple[str, ...]:
        """List driver names, the wanted one first."""
        ...

    def sandbox_id(self, run_id: str) -> str:
        """Name the sandbox of a run."""
        ...

    def limits(self, organization: Organization) -> Limits:
        """Set the bounds of one command."""
        ...


class EngineRuntime(Protocol):
    """``engine_runtime_node``: the engine's own choices."""

    def workspace(self, run_id: str, requested: str, data_dir: str) -> str:
        """Name a run's workspace directory."""
        ...

    def runs_max(self, organization: Organization) -> int:
        """Set how many runs may be open at a time."""
        ...


class ApiRuntime(Protocol):
    """``api_runtime_node``: the bridge's own choices."""

    def allowed_hosts(self, bound_host: str) -> tuple[str, ...]:
        """List the ``Host`` header values that are served."""
        ...

    def retry_after_s(self, queued: int) -> int:
        """Say when a caller that was shed may come back."""
        ...
