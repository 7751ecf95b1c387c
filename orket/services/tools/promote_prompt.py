"""``promote_prompt``: a prompt that proved good, kept in the model directory for a person to use."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.academy import PromptShelf
from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, Tool, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

CONTENT_CHARS_MAX = 100_000


class PromotePromptArguments(Arguments):
    """Which prompt, for whom."""

    seat: Annotated[str, Meta(min_length=1, max_length=64, description="Seat it is for.")]
    content: Annotated[str, Meta(min_length=1, max_length=CONTENT_CHARS_MAX, description="The prompt.")]
    model_family: Annotated[
        str, Meta(min_length=1, max_length=64, description="Family of models it is for.")
    ] = "qwen"


def promote_prompt_tool(shelf: PromptShelf) -> Tool[PromotePromptArguments]:
    """Make the tool over a shelf of prompts."""

    async def promote_prompt(
        args: PromotePromptArguments, context: ToolContext, workbench: Workbench
    ) -> ToolResult:
        return done(path=await shelf.put(args.seat, args.model_family, args.content))

    return declare(
        promote_prompt,
        PromotePromptArguments,
        name="promote_prompt",
        description="Keep a prompt that proved good for a seat and a family of models.",
        permissions=(Permission.OUTSIDE,),
        recovery=Recovery.IDEMPOTENT,
    )
