"""``list_directory``: the names in a workspace folder."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

ITEMS_MAX = 500


class ListDirectoryArguments(Arguments):
    """What to list."""

    path: Annotated[str, Meta(description="Folder to list, relative to the workspace.")] = "."


async def list_directory(
    args: ListDirectoryArguments, context: ToolContext, workbench: Workbench
) -> ToolResult:
    """List the first ``ITEMS_MAX`` names and say how many were left out."""
    items = await workbench.entries(args.path)
    return done(path=args.path, items=items[:ITEMS_MAX], left_out=max(0, len(items) - ITEMS_MAX))


TOOL = declare(
    list_directory,
    ListDirectoryArguments,
    name="list_directory",
    description="List a folder of the workspace; folders end in '/'.",
    permissions=(Permission.READ_FILES,),
    recovery=Recovery.IDEMPOTENT,
    path_arguments=("path",),
)
