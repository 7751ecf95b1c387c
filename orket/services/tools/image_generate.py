"""``image_generate``: a picture painted by a model of this machine, as a file of the workspace."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.errors import ToolError
from orket.domain.pictures import (
    PROMPT_CHARS_MAX,
    SIDE_PIXELS_MAX,
    SIDE_PIXELS_MIN,
    SIDE_PIXELS_STEP,
    STEPS_MAX,
    Painter,
    Picture,
)
from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, Tool, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

NAME = "image_generate"
PAINT_S = 600.0
_Side = Annotated[
    int,
    Meta(
        ge=SIDE_PIXELS_MIN,
        le=SIDE_PIXELS_MAX,
        description=f"Pixels, a multiple of {SIDE_PIXELS_STEP}.",
    ),
]


class ImageGenerateArguments(Arguments):
    """What to paint, and where it goes."""

    prompt: Annotated[
        str, Meta(min_length=1, max_length=PROMPT_CHARS_MAX, description="What the picture shows.")
    ]
    path: Annotated[str, Meta(min_length=5, description="PNG file to write, relative to the workspace.")] = (
        "generated.png"
    )
    width: _Side = 512
    height: _Side = 512
    steps: Annotated[int, Meta(ge=1, le=STEPS_MAX, description="More take longer and look better.")] = 20
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1, description="Another one makes another picture.")] = 0


def image_generate_tool(painter: Painter) -> Tool[ImageGenerateArguments]:
    """Make the tool over a model that paints."""

    async def image_generate(
        args: ImageGenerateArguments, context: ToolContext, workbench: Workbench
    ) -> ToolResult:
        _check(args)
        picture = Picture(
            prompt=args.prompt,
            width=args.width,
            height=args.height,
            steps=args.steps,
            seed=args.seed,
            within_s=PAINT_S,
        )
        size = await workbench.write(args.path, await painter.paint(picture))
        return done(path=args.path, size_bytes=size, width=args.width, height=args.height)

    return declare(
        image_generate,
        ImageGenerateArguments,
        name=NAME,
        description="Paint a picture with a model of this machine, and write it as a PNG of the workspace.",
        permissions=(Permission.WRITE_FILES,),
        recovery=Recovery.IDEMPOTENT,
        path_arguments=("path",),
    )


def _check(args: ImageGenerateArguments) -> None:
    if not args.path.lower().endswith(".png"):
        hint = "end the path in .png"
        raise ToolError(f"/path: {args.path}: pictures are PNG files", code="bad_arguments", hint=hint)
    for name, pixels in (("width", args.width), ("height", args.height)):
        if pixels % SIDE_PIXELS_STEP:
            text = f"/{name}: {pixels} is no multiple of {SIDE_PIXELS_STEP}"
            raise ToolError(text, code="bad_arguments", hint=f"use {pixels - pixels % SIDE_PIXELS_STEP}")
