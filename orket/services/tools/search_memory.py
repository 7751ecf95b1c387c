"""``search_memory``: what was remembered, in this run and all before it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

FOUND_MAX = 10
QUERY_CHARS_MAX = 1_000


class SearchMemoryArguments(Arguments):
    """What to look for."""

    query: Annotated[
        str, Meta(max_length=QUERY_CHARS_MAX, description="Plain words; empty for what is newest.")
    ]
    limit: Annotated[int, Meta(ge=1, le=FOUND_MAX, description="How many at most.")] = 5


async def search_memory(
    args: SearchMemoryArguments, context: ToolContext, workbench: Workbench
) -> ToolResult:
    """Tell the best first."""
    found = await workbench.recall(args.query, limit=args.limit)
    told = [{"text": one.text, "seat": one.by, "card": one.card_id, "run": one.run_id} for one in found]
    return done(found=told)


TOOL = declare(
    search_memory,
    SearchMemoryArguments,
    name="search_memory",
    description="Search the project's memory for decisions of earlier cards and runs.",
    permissions=(Permission.READ_CARDS,),
    recovery=Recovery.IDEMPOTENT,
)
