"""``add_issue_comment``: proposes a remark on the seat's own card."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.own_card import require_own
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, bounded, done

COMMENT_CHARS_MAX = 8_000


class AddIssueCommentArguments(Arguments):
    """What to remark."""

    comment: Annotated[str, Meta(min_length=1, description="The remark.")]
    issue_id: Annotated[str | None, Meta(description="Your own card; may be left out.")] = None


def add_issue_comment(args: AddIssueCommentArguments, context: ToolContext) -> ToolResult:
    """Propose the remark."""
    card = require_own(args.issue_id, context)
    change = CardChange(card_id=card.id, comment=bounded(args.comment, COMMENT_CHARS_MAX))
    return attrs.evolve(done(issue_id=card.id, message="comment added"), changes=(change,))


TOOL = declare_proposal(
    add_issue_comment,
    AddIssueCommentArguments,
    name="add_issue_comment",
    description="Write a comment on your card.",
    permissions=(Permission.CHANGE_CARDS,),
)
