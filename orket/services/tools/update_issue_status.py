"""``update_issue_status``: proposes a new status for the seat's own card; the run decides and records it."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.cards import WAITING, CardStatus, WaitReason
from orket.domain.errors import ToolError
from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.own_card import require_own
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class UpdateIssueStatusArguments(Arguments):
    """Where the card shall go."""

    status: Annotated[CardStatus, Meta(description="The new status.")]
    wait_reason: Annotated[
        str | None,
        Meta(
            description="Needed with blocked and waiting_for_developer: one of " + ", ".join(WaitReason) + "."
        ),
    ] = None
    reason: Annotated[str | None, Meta(description="Why, in a sentence.")] = None
    issue_id: Annotated[str | None, Meta(description="Your own card; may be left out.")] = None


def update_issue_status(args: UpdateIssueStatusArguments, context: ToolContext) -> ToolResult:
    """Propose the change."""
    card = require_own(args.issue_id, context)
    change = CardChange(
        card_id=card.id,
        status=args.status,
        wait_reason=_wait_reason(args),
        comment=args.reason or "",
    )
    return attrs.evolve(done(issue_id=card.id, status=args.status), changes=(change,))


def _wait_reason(args: UpdateIssueStatusArguments) -> WaitReason | None:
    if not args.wait_reason:
        return None
    if args.wait_reason not in {*WaitReason}:
        options = ", ".join(WaitReason)
        raise ToolError(f"wait_reason {args.wait_reason!r} is none of {options}", code="bad_arguments")
    return WaitReason(args.wait_reason) if args.status in WAITING else None


TOOL = declare_proposal(
    update_issue_status,
    UpdateIssueStatusArguments,
    name="update_issue_status",
    description="Move your card to another status.",
    permissions=(Permission.CHANGE_CARDS,),
)
