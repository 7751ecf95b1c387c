"""``archive_eval``: a copy of a run's workspace, kept beside the database to be compared later."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from orket.domain.academy import Archive
from orket.domain.errors import ToolError
from orket.domain.identifiers import RunId, blob_id
from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, Tool, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

MARK_CHARS = 8


class ArchiveEvalArguments(Arguments):
    """What to keep, under which name."""

    session_id: Annotated[str, Meta(max_length=64, description="Run to keep; empty for this one.")] = ""
    label: Annotated[str, Meta(min_length=1, max_length=40, description="What to call it.")] = "trial"


def archive_eval_tool(archive: Archive) -> Tool[ArchiveEvalArguments]:
    """Make the tool over an archive."""

    async def archive_eval(
        args: ArchiveEvalArguments, context: ToolContext, workbench: Workbench
    ) -> ToolResult:
        run_id = RunId(args.session_id or context.call.run_id)
        workspace = await _workspace(run_id, workbench)
        mark = blob_id(context.call.id.encode())[:MARK_CHARS]  # the same call keeps it once
        return done(path=await archive.keep(workspace, args.label, mark), session_id=run_id)

    return declare(
        archive_eval,
        ArchiveEvalArguments,
        name="archive_eval",
        description="Keep a copy of a run's workspace outside of it.",
        permissions=(Permission.OUTSIDE,),
        recovery=Recovery.IDEMPOTENT,
    )


async def _workspace(run_id: RunId, workbench: Workbench) -> str:
    if run_id == workbench.spec.run_id:
        if workbench.spec.isolation is not None:
            raise ToolError(
                "this run works on a view of a project, which is no folder of its own",
                hint="a person sees what changed with: orket diff",
            )
        return workbench.spec.workspace
    found = await workbench.memory.run(run_id)
    if found is None:
        raise ToolError(f"there is no run {run_id}", code="not_found")
    return found.workspace
