"""Tool calls: what a tool declares, what a model asked for, what came of it."""

from __future__ import annotations

from enum import StrEnum

import attrs

from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.identifiers import CallId, CardId, RunId


class Recovery(StrEnum):
    """What to do with a call that was started and has no receipt, after a crash."""

    IDEMPOTENT = "idempotent"
    PROBE = "probe"
    COMPENSATE = "compensate"
    ASK_HUMAN = "ask_human"


class Finding(StrEnum):
    """What became of an attempt that has no receipt."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Recovered:
    """What entitles a call that may have acted to another attempt; it stands on that attempt's intent.

    ``by`` is what was done about the attempts before: ``idempotent`` (nothing, another one does no harm),
    ``probe`` (the world was looked at), ``compensate`` (this attempt begins by undoing them), ``person``.
    ``evidence`` is what the probe saw or the reason, for a person to read.
    """

    by: str
    finding: Finding = Finding.UNKNOWN
    evidence: str = ""


class Permission(StrEnum):
    """What a tool touches; the gate and the sandbox read it."""

    READ_FILES = "read_files"
    WRITE_FILES = "write_files"
    RUN_COMMANDS = "run_commands"
    CHANGE_CARDS = "change_cards"
    READ_CARDS = "read_cards"
    NETWORK = "network"
    OUTSIDE = "outside"


@attrs.frozen(kw_only=True)
class ToolSpec:
    """What a tool declares about itself.

    ``parameters_json`` is the JSON Schema of its arguments, as canonical JSON.
    ``path_arguments`` names the arguments that are workspace paths, for the gate, and ``url_arguments`` those
    that are web addresses. A ``destructive`` tool takes an argument ``confirm``, without which the gate does
    not let it act.
    """

    name: str
    description: str
    parameters_json: str
    permissions: tuple[Permission, ...] = ()
    recovery: Recovery = Recovery.ASK_HUMAN
    path_arguments: tuple[str, ...] = ()
    url_arguments: tuple[str, ...] = ()
    destructive: bool = False


@attrs.frozen(kw_only=True)
class ToolCall:
    """One tool call with its structural identity; ``arguments_json`` is canonical JSON of an object."""

    id: CallId
    run_id: RunId
    card_id: CardId
    turn: int
    index: int
    tool: str
    arguments_json: str
    ref: str = ""


class Verdict(StrEnum):
    """What the gate says to a call."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


@attrs.frozen(kw_only=True)
class GateDecision:
    """A verdict that explains itself: the rule that decided, why, and under which policy version."""

    verdict: Verdict
    rule: str
    reason: str = ""
    policy_version: str = ""


@attrs.frozen(kw_only=True)
class CardChange:
    """A change of cards that a tool proposes and the owner of the cards validates and records.

    Exactly one of the groups is used: a status (with wait reason), a comment, a new card, credits
    (``credits_micros``, millionths), a note (``comment``) to the seat ``note_to`` (empty: to all), or
    something to remember in later runs (``comment``, with ``remember``).
    """

    card_id: CardId
    status: CardStatus | None = None
    wait_reason: WaitReason | None = None
    comment: str = ""
    created: Card | None = None
    credits_micros: int = 0
    note_to: str | None = None
    remember: bool = False


@attrs.frozen(kw_only=True)
class ToolResult:
    """What a call came to.

    ``output`` is what the model reads (JSON text on success), bounded; ``code`` is empty on success and
    a stable word otherwise; ``hint`` tells the model what to try. ``changes`` are proposals.
    """

    ok: bool
    output: str
    code: str = ""
    hint: str = ""
    changes: tuple[CardChange, ...] = ()
    duration_ms: int = 0


class HumanVerdict(StrEnum):
    """What a person decides about a call that waits for one."""

    APPROVE = "approve"
    DENY = "deny"
    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"


def failed(output: str, *, code: str, hint: str = "", duration_ms: int = 0) -> ToolResult:
    """Make the result of a call that did not succeed."""
    return ToolResult(ok=False, output=output, code=code, hint=hint, duration_ms=duration_ms)
