"""``/v1/runs/{run_id}/workspace/changes`` and ``/diff``: what a run changed, listed and as a patch."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.bootstrap.workspaces import open_workspaces, workspace_place
from orket.decision_nodes.workspace_paths import holds_secrets
from orket.domain.redaction import Redactor
from orket.domain.workspaces import Change, Changes, Place
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.patches import chosen, patch
from orket.interfaces.problems import CONFLICT, RUN_NOT_FOUND, SANDBOX, HttpRefusal
from orket.interfaces.reading import read_query
from orket.interfaces.routes.run_calls import fold
from orket.interfaces.routes.runs import find_run
from orket.wire.changes import ChangesView, changes_view

DIFF_TYPE = "text/x-diff"
DIFF_BYTES_MAX = 16 * 1024 * 1024


class ChangesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which changes to show."""

    path: Annotated[str, Meta(description="Only this file, or what lies in this folder.")] = "."


async def index(bridge: Bridge, request: Request) -> Response:
    """List what differs."""
    _, found, shown = await _compared(bridge, request)
    return json_response(changes_view(request.path_params["run_id"], found, shown))


async def diff(bridge: Bridge, request: Request) -> Response:
    """Write what differs as a patch, secrets left out."""
    place, _, shown = await _compared(bridge, request)
    workspaces, redactor = open_workspaces(), Redactor(bridge.running.settings.secrets)
    pieces = [_kept(one) for one in shown if holds_secrets(one.path)]
    told = [one for one in shown if not holds_secrets(one.path)]
    size_bytes = 0
    async for line in patch(workspaces, place, told):
        pieces.append(f"{line}\n".encode("utf-8", "surrogateescape"))
        size_bytes += len(pieces[-1])
        if size_bytes > DIFF_BYTES_MAX:
            raise HttpRefusal(
                CONFLICT, f"The patch is larger than {DIFF_BYTES_MAX} bytes; ask for a path of it."
            )
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(redactor.blob(b"".join(pieces)), headers=headers, media_type=DIFF_TYPE)


def _kept(change: Change) -> bytes:
    """Name a file that is not shown; before the first hunk a patch may hold any text."""
    return f"File {change.path} may hold keys or passwords and is not shown\n".encode(errors="replace")


async def _compared(bridge: Bridge, request: Request) -> tuple[Place, Changes, tuple[Change, ...]]:
    path, running = read_query(request, ChangesQuery).path, bridge.running
    state = await fold(running.ledger, (await find_run(running.ledger, request)).run_id)
    place = workspace_place(running.settings, state)
    found = await open_workspaces().changes(place)
    return place, found, chosen(found.changes, path)


_PROBLEMS = (*READS, RUN_NOT_FOUND, CONFLICT, SANDBOX)

OPERATIONS = (
    Operation(
        name="listWorkspaceChanges",
        method="GET",
        path="/v1/runs/{run_id}/workspace/changes",
        summary="List what a run changed",
        description="Beside its project as it is now; refused for a run that works in a folder that is not "
        "its own.",
        handler=index,
        query=ChangesQuery,
        answers=(Answer(status=200, description="What differs.", body=ChangesView),),
        parameters=(RUN_ID,),
        problems=_PROBLEMS,
        tag="runs",
    ),
    Operation(
        name="getWorkspaceDiff",
        method="GET",
        path="/v1/runs/{run_id}/workspace/diff",
        summary="Show what a run changed as a patch",
        description="One that `git apply` takes; binary files are only named, and so are files whose names "
        f"say that they keep keys or passwords. {DIFF_BYTES_MAX // 1024 // 1024} MiB at most.",
        handler=diff,
        query=ChangesQuery,
        answers=(
            Answer(
                status=200,
                description="The patch, empty when nothing differs.",
                body=str,
                media_type=DIFF_TYPE,
            ),
        ),
        parameters=(RUN_ID,),
        problems=_PROBLEMS,
        tag="runs",
    ),
)
