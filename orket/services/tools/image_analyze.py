"""``image_analyze``: what a picture of the workspace is; decoded inside the sandbox, never in the engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.errors import ToolError
from orket.domain.sandboxes import CommandEnd
from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services import vision
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

IMAGE_BYTES_MAX = 20_000_000
LOOK_S = 30.0
LOOK = Path(vision.__file__).with_name("look.py")


class ImageAnalyzeArguments(Arguments):
    """Which picture."""

    path: Annotated[str, Meta(min_length=1, description="Picture, relative to the workspace.")]


async def image_analyze(
    args: ImageAnalyzeArguments, context: ToolContext, workbench: Workbench
) -> ToolResult:
    """Read, have it looked at, tell."""
    content = await workbench.read(args.path, bytes_max=IMAGE_BYTES_MAX)
    house = workbench.spec.limits
    told = await workbench.run(
        (sys.executable, "-I", "-c", LOOK.read_text(encoding="utf-8")),
        stdin=content,
        limits=attrs.evolve(house, wall_s=min(LOOK_S, house.wall_s)),
    )
    try:
        seen = (
            json.loads(told.stdout) if told.end is CommandEnd.OK else {"error": f"it ended with {told.end}"}
        )
    except ValueError:
        seen = {"error": "what was seen cannot be read"}
    if (why := seen.pop("error", "")) or not seen:
        hint = "only pictures can be looked at; read_file reads texts"
        raise ToolError(f"{args.path}: {why}", code="not_an_image", hint=hint)
    return done(path=args.path, size_bytes=len(content), **seen)


TOOL = declare(
    image_analyze,
    ImageAnalyzeArguments,
    name="image_analyze",
    description="Look at a picture of the workspace: format, size, colours, what its EXIF data says.",
    permissions=(Permission.READ_FILES, Permission.RUN_COMMANDS),
    recovery=Recovery.IDEMPOTENT,
    path_arguments=("path",),
)
