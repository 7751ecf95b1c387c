"""``write_file``: a workspace file, written whole. Writing the same content twice is writing it once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.workbench import Workbench


class WriteFileArguments(Arguments):
    """What to write where."""

    path: Annotated[
        str,
        Meta(
            min_length=1,
            description="File to write, relative to the workspace; missing folders are made.",
        ),
    ]
    content: Annotated[str, Meta(description="The whole new content of the file.")]


async def write_file(args: WriteFileArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Write, replacing what was there."""
    size = await workbench.write(args.path, args.content.encode())
    return done(path=args.path, size_bytes=size)


TOOL = declare(
    write_file,
    WriteFileArguments,
    name="write_file",
    description="Write a text file of the workspace, replacing what was there.",
    permissions=(Permission.WRITE_FILES,),
    recovery=Recovery.IDEMPOTENT,
    path_arguments=("path",),
)
