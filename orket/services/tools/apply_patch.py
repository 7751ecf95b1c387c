"""``apply_patch``: a unified diff of one workspace file; it changes all of what it says, or nothing."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.errors import ToolError
from orket.domain.patching import Hunk, read_patch
from orket.domain.patching import apply_patch as patched
from orket.domain.tools import Finding, Permission, Recovery, ToolResult
from orket.services.tools.text_file import read_text
from orket.services.tools.tool import Arguments, Probed, ToolContext, declare, done
from orket.services.tools.workbench import Workbench


class ApplyPatchArguments(Arguments):
    """What to change where."""

    path: Annotated[str, Meta(min_length=1, description="File to change, relative to the workspace.")]
    patch: Annotated[
        str,
        Meta(
            min_length=1,
            description="Unified diff of it: '@@ -1,3 +1,3 @@', then lines that begin with ' ', '-' or '+'.",
        ),
    ]


async def apply_patch(args: ApplyPatchArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Change the file, or make it when the patch only adds."""
    hunks = read_patch(args.patch)
    before = await _text(args.path, workbench)
    if before is None and any(one.old for one in hunks):
        raise ToolError(
            f"{args.path}: there is no such file", code="not_found", hint="look with list_directory"
        )
    size = await workbench.write(args.path, patched(before or "", hunks).encode())
    return done(
        path=args.path,
        size_bytes=size,
        hunks=len(hunks),
        lines_before=sum(len(one.old) for one in hunks),
        lines_after=sum(len(one.new) for one in hunks),
    )


async def probe(args: ApplyPatchArguments, context: ToolContext, workbench: Workbench) -> Probed:
    """Look whether the file is as the patch leaves it, or as the patch wants it."""
    hunks, text = read_patch(args.patch), await _text(args.path, workbench)
    undone = _fits(text, [one.reversed() for one in hunks])
    fits = _fits(text, hunks)
    if undone and not fits:
        return Probed(finding=Finding.HAPPENED, evidence=f"{args.path} reads as the patch leaves it")
    if fits and not undone:
        return Probed(finding=Finding.DID_NOT_HAPPEN, evidence=f"{args.path} reads as before the patch")
    why = "fits both ways" if fits else "fits neither way"
    return Probed(finding=Finding.UNKNOWN, evidence=f"{args.path}: the patch {why}")


def _fits(text: str | None, hunks: list[Hunk] | tuple[Hunk, ...]) -> bool:
    if text is None:
        return not any(one.old for one in hunks)
    try:
        patched(text, hunks)
    except ToolError:
        return False
    return True


async def _text(path: str, workbench: Workbench) -> str | None:
    """Read the file; None when there is none."""
    try:
        return await read_text(path, workbench)
    except ToolError as error:
        if error.code == "not_found":
            return None
        raise


TOOL = declare(
    apply_patch,
    ApplyPatchArguments,
    name="apply_patch",
    description="Change a text file of the workspace by a unified diff; its lines must be in the file.",
    permissions=(Permission.READ_FILES, Permission.WRITE_FILES),
    recovery=Recovery.PROBE,
    path_arguments=("path",),
    probe=probe,
)
