"""All that is recorded about one card, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from orket.domain.card_account import CardAccount
from orket.domain.verification import VerificationResult
from orket.wire.budgets import SpentView, spent_view
from orket.wire.cards import CardView
from orket.wire.views import card_view


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a card's history."""

    seq: Annotated[int, Meta(ge=1, description="The event on the ledger.")]
    at: datetime
    by: str
    text: str


class ScenarioView(msgspec.Struct, frozen=True, kw_only=True):
    """How one scenario of the verification went."""

    id: str
    status: Literal["pending", "pass", "fail"]
    reason: str


class VerificationView(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the card's declared scenarios when they were last executed."""

    ok: bool
    passed: int
    failed: int
    scenarios: tuple[ScenarioView, ...]


class CardAccountView(msgspec.Struct, frozen=True, kw_only=True):
    """One card with what became of it; lists are oldest first and have at most 500 of the newest."""

    card: CardView
    since: Annotated[datetime, Meta(description="When it came to where it stands.")]
    history: tuple[EntryView, ...]
    comments: tuple[EntryView, ...]
    calls: Annotated[tuple[str, ...], Meta(description="The ids of its tool calls.")]
    turns: int
    spent: SpentView
    verification: VerificationView | None
    children: tuple[str, ...]


LISTED_MAX = 500


def account_view(account: CardAccount) -> CardAccountView:
    """Show all about a card."""
    told = [EntryView(seq=one.seq, at=one.at, by=one.by, text=one.text) for one in account.history]
    remarks = [EntryView(seq=one.seq, at=one.at, by=one.author, text=one.text) for one in account.comments]
    return CardAccountView(
        card=card_view(account.run_id, account.card),
        since=account.since,
        history=tuple(told[-LISTED_MAX:]),
        comments=tuple(remarks[-LISTED_MAX:]),
        calls=tuple(one.id for one in account.calls[-LISTED_MAX:]),
        turns=account.turns,
        spent=spent_view(account.spent),
        verification=None if account.verification is None else _verification(account.verification),
        children=tuple(account.children),
    )


def _verification(result: VerificationResult) -> VerificationView:
    return VerificationView(
        ok=result.ok,
        passed=result.passed,
        failed=result.failed,
        scenarios=tuple(
            ScenarioView(id=one.id, status=one.status.value, reason=one.reason) for one in result.results
        ),
    )
