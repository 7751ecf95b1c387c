"""``refinement_proposal``: proposes, on the seat's own card, how it should be cut or worded better."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class RefinementProposalArguments(Arguments):
    """What should be different about the card."""

    proposal: Annotated[
        str, Meta(min_length=1, max_length=8_000, description="How the card should be cut or worded.")
    ]


def refinement_proposal(args: RefinementProposalArguments, context: ToolContext) -> ToolResult:
    """Propose the remark; a person changes the card if they agree."""
    card = context.given.card
    change = CardChange(card_id=card.id, comment=f"proposes a refinement: {args.proposal}")
    return attrs.evolve(done(issue_id=card.id, message="proposed"), changes=(change,))


TOOL = declare_proposal(
    refinement_proposal,
    RefinementProposalArguments,
    name="refinement_proposal",
    description="Propose how your card should be cut or worded better; it stands as a comment on it.",
    permissions=(Permission.CHANGE_CARDS,),
)
