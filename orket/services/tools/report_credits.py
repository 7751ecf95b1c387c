"""``report_credits``: proposes to count what the seat's own card has cost."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.own_card import require_own
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, bounded, done

AMOUNT_MIN, AMOUNT_MAX = 0.000001, 1_000_000
REASON_CHARS_MAX = 500
MICROS = 1_000_000


class ReportCreditsArguments(Arguments):
    """How much, and for what."""

    amount: Annotated[float, Meta(ge=AMOUNT_MIN, le=AMOUNT_MAX, description="Credits spent, above 0.")]
    reason: Annotated[str, Meta(description="For what.")] = ""
    issue_id: Annotated[str | None, Meta(description="Your own card; may be left out.")] = None


def report_credits(args: ReportCreditsArguments, context: ToolContext) -> ToolResult:
    """Propose the count, to the millionth of a credit."""
    card, micros = require_own(args.issue_id, context), round(args.amount * MICROS)
    reason = bounded(args.reason, REASON_CHARS_MAX)
    change = CardChange(card_id=card.id, credits_micros=micros, comment=reason)
    message = f"{micros / MICROS:g} credits counted"
    return attrs.evolve(done(issue_id=card.id, message=message), changes=(change,))


TOOL = declare_proposal(
    report_credits,
    ReportCreditsArguments,
    name="report_credits",
    description="Report credits that were spent on your card.",
    permissions=(Permission.CHANGE_CARDS,),
)
