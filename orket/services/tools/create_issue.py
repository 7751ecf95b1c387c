"""``create_issue``: proposes a new issue, whose id follows from the call: repeated, it is the same issue."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import attrs
import msgspec
from msgspec import Meta

from orket.domain.cards import Card, CardType, parse_priority
from orket.domain.errors import ToolError
from orket.domain.identifiers import CallId, CardId
from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class CreateIssueArguments(Arguments):
    """What shall be done, and by whom."""

    seat: Annotated[str, Meta(min_length=1, description="The seat of the team that shall do it.")]
    summary: Annotated[str, Meta(description="What shall be done, in one line.")]
    type: Annotated[Literal["issue", "story", "bug", "task"], Meta(description="Kind of work.")] = "issue"
    priority: Annotated[str | float, Meta(description="High, Medium, Low, or a number.")] = "Medium"
    description: Annotated[str, Meta(description="More about it.")] = ""
    requirements: Annotated[str, Meta(description="What must hold when it is done.")] = ""
    depends_on: Annotated[
        list[str], Meta(max_length=50, description="Ids of the issues that must be done before.")
    ] = msgspec.field(default_factory=list)


def issue_id(call: CallId) -> CardId:
    """Name the issue that a call creates: ``ISSUE-`` and 8 hexadecimal digits, from the call's own name."""
    return CardId(f"ISSUE-{hashlib.sha256(call.encode()).hexdigest()[:8].upper()}")


def create_issue(args: CreateIssueArguments, context: ToolContext) -> ToolResult:
    """Propose the issue."""
    try:
        priority = parse_priority(args.priority)
    except ValueError as error:
        raise ToolError(f"priority: {error}", code="bad_arguments") from error
    card = Card(
        id=issue_id(context.call.id),
        type=CardType.ISSUE,
        name=args.summary,
        description=args.description,
        requirements=args.requirements,
        priority=priority,
        seat=args.seat,
        depends_on=tuple(CardId(one) for one in dict.fromkeys(args.depends_on)),
        labels=() if args.type == "issue" else (args.type,),
    )
    change = CardChange(card_id=card.id, created=card)
    return attrs.evolve(done(issue_id=card.id, seat=card.seat, summary=card.name), changes=(change,))


TOOL = declare_proposal(
    create_issue,
    CreateIssueArguments,
    name="create_issue",
    description="Create a new issue in this epic for a seat of the team.",
    permissions=(Permission.CHANGE_CARDS,),
)
