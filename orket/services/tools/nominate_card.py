"""``nominate_card``: proposes, on the seat's own card, what somebody should take up next."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class NominateCardArguments(Arguments):
    """What to take up, and why."""

    card_id: Annotated[str, Meta(min_length=1, max_length=100, description="The card to take up next.")]
    reason: Annotated[str, Meta(min_length=1, max_length=2_000, description="Why this one.")]


def nominate_card(args: NominateCardArguments, context: ToolContext) -> ToolResult:
    """Propose the remark; the planner decides, and people read it."""
    card = context.given.card
    change = CardChange(card_id=card.id, comment=f"nominates {args.card_id}: {args.reason}")
    return attrs.evolve(done(issue_id=card.id, message=f"{args.card_id} is nominated"), changes=(change,))


TOOL = declare_proposal(
    nominate_card,
    NominateCardArguments,
    name="nominate_card",
    description="Say which card should be taken up next, and why; it stands as a comment on your card.",
    permissions=(Permission.CHANGE_CARDS,),
)
