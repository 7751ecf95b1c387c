"""What can be asked of the tool executor; it hands each call to a child of its own."""

from __future__ import annotations

import attrs

from actors import Message, Reject, Request
from orket.domain.approvals import Approval
from orket.domain.assets import Organization
from orket.domain.cards import Card, Comment
from orket.domain.events import Event
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.sandboxes import SandboxSpec
from orket.domain.tools import GateDecision, HumanVerdict, ToolCall, ToolResult
from orket.domain.verification import VerificationResult

CANCELED = "canceled"
"""The code of the result of a call that was cut off because its run was stopped."""


class OtherAttempt(Reject):
    """The call is known already, and was asked for with a reply that this asker does not know.

    Nothing of this request was recorded or carried out; the ledger tells what was.
    """


class CallEnded(Reject):
    """The call was cut off because its run was stopped; the ledger tells whether it had been intended.

    Who asked has no receipt to write: that is for whoever stopped the run, if there was an intent.
    """


class ExecutorBusy(Reject):
    """More calls are under way than the executor takes on; this one was neither recorded nor carried out."""


@attrs.frozen(kw_only=True)
class CallContext:
    """What the gate and the tool may know: the acting seat, its card as it stands, the house rules."""

    seat: str
    roles: tuple[str, ...]
    role_tools: tuple[str, ...]
    card: Card
    comments: tuple[Comment, ...]
    verification: VerificationResult | None
    organization: Organization
    idesign: bool
    sandbox: SandboxSpec


@attrs.frozen(kw_only=True)
class CallOutcome:
    """The answer to a call.

    ``result`` is None while a person must decide: because the gate says ask (``decision.verdict``), or
    because the call is in doubt (``doubt`` says why).
    """

    call_id: CallId
    decision: GateDecision
    result: ToolResult | None = None
    doubt: str = ""


@attrs.frozen(kw_only=True)
class ExecuteTool(Request[CallOutcome]):
    """Judge a call, record intent and decision, act, answer with what it came to.

    Asked again for a call that still runs, it joins it; for one that has ended and was not settled, it
    repeats the outcome. ``attempts`` is how often the call was intended on the ledger so far: above 0, and
    unknown to the executor, means that it may or may not have acted, and the tool's declared recovery
    decides. ``verdict`` is what a person decided about it, if one did; a yes is bound as ``approval`` says.

    ``noted`` is what the asker has to record before the call, only with a first attempt: it is recorded in
    front of the intent, in the same transaction. After an answer it is recorded; after ``ExecutorBusy`` and
    ``OtherAttempt`` it is not; after any other failure, ``CallEnded`` among them, the ledger tells.
    """

    call: ToolCall
    context: CallContext
    attempts: int = 0
    verdict: HumanVerdict | None = None
    approval: Approval | None = None
    noted: tuple[Event, ...] = ()


@attrs.frozen(kw_only=True)
class Settle(Message):
    """The receipt of a call is on the ledger: the executor may forget its outcome."""

    call_id: CallId


@attrs.frozen(kw_only=True)
class EndedCall:
    """A call that was ended on request, and what it came to; ``tool`` is the tool's name."""

    call_id: CallId
    card_id: CardId
    result: ToolResult
    tool: str = ""


@attrs.frozen(kw_only=True)
class EndCalls(Request[tuple[EndedCall, ...]]):
    """End all calls of a run, or of one card of it; answered when they are gone, with their results.

    Process trees are ended too. Calls that had already ended but were not settled are among the answers.
    Those that end by themselves within ``grace_s`` are left to. After the answer no effect of this run, or of
    this card, is under way.
    """

    run_id: RunId
    card_id: CardId | None = None
    grace_s: float = 0

    def names(self, call: ToolCall) -> bool:
        """Whether this is one of the calls to end."""
        return call.run_id == self.run_id and self.card_id in (None, call.card_id)
