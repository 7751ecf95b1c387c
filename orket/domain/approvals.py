"""Approvals: what a person's yes is bound to, and when it is worth nothing any more.

An approval is good for one attempt of one call with exactly these arguments, under the policy and on the card
that the person saw, until it expires. Everything else is asked for again.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

import attrs

from orket.domain.cards import Card
from orket.domain.identifiers import CallId
from orket.domain.text import canonical_json
from orket.domain.tools import ToolCall

# What the run itself changes about a card while it works; the rest is what the card asks for.
_MOVING = frozenset({"status", "wait_reason", "wait_note", "retry_count", "budget"})
_ID_DIGITS = 8


@attrs.frozen(kw_only=True)
class Approval:
    """A person's yes, as it stands on the ledger.

    ``binding`` is what ``bind`` made of the call when the person decided. ``attempt`` is the one attempt
    (from 1) it is good for. Records of older versions have neither.
    """

    binding: str = ""
    attempt: int = 0
    expires_at: datetime | None = None


def card_version(card: Card) -> str:
    """Name a card by what it asks for: 16 hexadecimal digits over all but its status, wait and retries."""
    asked = attrs.asdict(card, filter=lambda field, _: field.name not in _MOVING)
    return _digest(asked)[:16]


def bind(call: ToolCall, policy_version: str, card: Card) -> str:
    """Name what is approved: 64 hexadecimal digits over tool, arguments, policy version, run and card."""
    arguments = canonical_json(call.arguments_json)
    return _digest([call.tool, arguments, policy_version, call.run_id, card.id, card_version(card)])


def void(approval: Approval, binding: str, attempt: int, now: datetime) -> str:
    """Say why an approval does not cover an attempt, or return an empty text.

    Args:
        approval: What the person decided.
        binding: What ``bind`` makes of the call that is about to act.
        attempt: The number of the attempt that is about to act, from 1.
        now: The time of day, aware.
    """
    if approval.attempt and attempt != approval.attempt:
        return f"it was given for attempt {approval.attempt} and is used; this is attempt {attempt}"
    if approval.expires_at is not None and now >= approval.expires_at:
        return f"it expired at {approval.expires_at.isoformat(timespec='seconds')}"
    if approval.binding and approval.binding != binding:
        return "the arguments, the policy or the card are not those that were approved"
    return ""


def approval_id(call: CallId, attempts: int) -> str:
    """Name what a person is asked, in 8 hexadecimal digits: the same call asked again has another name."""
    return hashlib.sha256(f"{call}#{attempts}".encode()).hexdigest()[:_ID_DIGITS]


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
