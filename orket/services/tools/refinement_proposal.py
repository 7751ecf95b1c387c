"""``refinement_proposal``: proposes, on the seat's own card, how it should be cut or worded better."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.tools import CardChange, Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.workbench import Workbench


class RefinementProposalArguments(Arguments):
    """What should be different about the card."""

    proposal: Annotated[
        str, Meta(min_length=1, max_length=8_000, description="How the card should be cut or worded.")
    ]


async def refinement_proposal(
    args: RefinementProposalArguments, context: ToolContext, workbench: Workbench
) -> ToolResult:
    """Propose the remark; a person changes the card if they agree."""
    card = context.given.card
    change = CardChange(card_id=card.id, comment=f"proposes a refinement: {args.proposal}")
    return attrs.evolve(done(issue_id=card.id, message="proposed"), changes=(change,))


TOOL = declare(
    refinement_proposal,
    RefinementProposalArguments,
    name="refinement_proposal",
    description="Propose how your card should be cut or worded better; it stands as a comment on it.",
    permissions=(Permission.CHANGE_CARDS,),
    recovery=Recovery.IDEMPOTENT,
)
