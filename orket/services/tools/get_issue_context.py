"""``get_issue_context``: the seat's own card, its comments and the last verification."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.tools import Permission, ToolResult
from orket.services.tools.own_card import require_own
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, bounded, done

COMMENTS_MAX = 30
TEXT_CHARS_MAX = 4_000
COMMENT_CHARS_MAX = 1_000


class GetIssueContextArguments(Arguments):
    """Which card to look at."""

    issue_id: Annotated[str | None, Meta(description="Your own card; may be left out.")] = None


def get_issue_context(args: GetIssueContextArguments, context: ToolContext) -> ToolResult:
    """Tell what is known; long texts lose their middle, of the comments the newest are told."""
    card, given = require_own(args.issue_id, context), context.given
    comments = given.comments[-COMMENTS_MAX:]
    verification = given.verification
    return done(
        issue_id=card.id,
        summary=card.name,
        status=card.status,
        description=bounded(card.description, TEXT_CHARS_MAX),
        requirements=bounded(card.requirements, TEXT_CHARS_MAX),
        note=bounded(card.note, TEXT_CHARS_MAX),
        depends_on=card.depends_on,
        comments=[{"author": one.author, "text": bounded(one.text, COMMENT_CHARS_MAX)} for one in comments],
        comments_left_out=len(given.comments) - len(comments),
        verification=None
        if verification is None
        else [{"id": one.id, "status": one.status, "reason": one.reason} for one in verification.results],
    )


TOOL = declare_proposal(
    get_issue_context,
    GetIssueContextArguments,
    name="get_issue_context",
    description="Read your card: its texts, status, comments and last verification.",
    permissions=(Permission.READ_CARDS,),
)
