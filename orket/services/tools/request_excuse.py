"""``request_excuse``: hands the seat's own card to a person, with the reason why it cannot go on."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.cards import CardStatus, WaitReason
from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class RequestExcuseArguments(Arguments):
    """Why a person is needed."""

    reason: Annotated[
        str, Meta(min_length=1, max_length=2_000, description="What a person must decide or provide.")
    ]


def request_excuse(args: RequestExcuseArguments, context: ToolContext) -> ToolResult:
    """Propose that the card waits for a person."""
    card = context.given.card
    change = CardChange(
        card_id=card.id,
        status=CardStatus.WAITING_FOR_DEVELOPER,
        wait_reason=WaitReason.INPUT,
        comment=args.reason,
    )
    return attrs.evolve(done(issue_id=card.id, status=change.status), changes=(change,))


TOOL = declare_proposal(
    request_excuse,
    RequestExcuseArguments,
    name="request_excuse",
    description="Hand your card to a person when you cannot go on without them.",
    permissions=(Permission.CHANGE_CARDS,),
)
