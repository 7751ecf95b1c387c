"""``read_file``: the text of a workspace file."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.text_file import read_text
from orket.services.tools.tool import Arguments, ToolContext, bounded, declare, done
from orket.services.tools.workbench import Workbench


class ReadFileArguments(Arguments):
    """What to read."""

    path: Annotated[str, Meta(min_length=1, description="File to read, relative to the workspace.")]


async def read_file(args: ReadFileArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Read; a long text loses its middle."""
    text = await read_text(args.path, workbench)
    return done(path=args.path, content=bounded(text), size_bytes=len(text.encode()))


TOOL = declare(
    read_file,
    ReadFileArguments,
    name="read_file",
    description="Read a text file of the workspace.",
    permissions=(Permission.READ_FILES,),
    recovery=Recovery.IDEMPOTENT,
    path_arguments=("path",),
)
