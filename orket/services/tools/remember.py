"""``remember``: proposes something for the project's memory, to be found in later runs as well."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.memory import TEXT_CHARS_MAX
from orket.domain.tools import CardChange, Permission, ToolResult
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext, done


class RememberArguments(Arguments):
    """What to keep."""

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=TEXT_CHARS_MAX,
            description="A decision and its reason, to be understood without this card.",
        ),
    ]


def remember(args: RememberArguments, context: ToolContext) -> ToolResult:
    """Propose it."""
    change = CardChange(card_id=context.given.card.id, comment=args.text, remember=True)
    return attrs.evolve(done(message="remembered"), changes=(change,))


TOOL = declare_proposal(
    remember,
    RememberArguments,
    name="remember",
    description="Keep a decision in the project's memory, for later cards and runs.",
    permissions=(Permission.CHANGE_CARDS,),
)
