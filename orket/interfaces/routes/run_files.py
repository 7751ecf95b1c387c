"""``/v1/runs/{run_id}/workspace/files`` and ``/file``: looking into a run's workspace, and nowhere else."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.bootstrap import list_workspace, read_workspace
from orket.domain.errors import ToolError
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import (
    CONFLICT,
    FILE_NOT_FOUND,
    PATH_REFUSED,
    RUN_NOT_FOUND,
    SANDBOX,
    HttpRefusal,
    Kind,
)
from orket.interfaces.reading import read_query
from orket.interfaces.routes.run_calls import fold
from orket.interfaces.routes.runs import find_run
from orket.wire.files import FolderView
from orket.wire.problems import Fault

BYTES_MAX = 4 * 1024 * 1024
TYPE = "application/octet-stream"


class FolderQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which folder to list."""

    path: Annotated[str, Meta(description="Relative to the workspace.")] = "."


class FileQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file to send."""

    path: Annotated[str, Meta(description="Relative to the workspace.")]


async def index(bridge: Bridge, request: Request) -> Response:
    """List a folder of the workspace."""
    path, running = read_query(request, FolderQuery).path, bridge.running
    state = await fold(running.ledger, (await find_run(running.ledger, request)).run_id)
    try:
        found = await list_workspace(running.settings, state, path)
    except ToolError as error:
        raise _refusal(error) from None
    return json_response(FolderView(path=path, entries=found))


async def show(bridge: Bridge, request: Request) -> Response:
    """Send a file of the workspace as it is now."""
    path, running = read_query(request, FileQuery).path, bridge.running
    state = await fold(running.ledger, (await find_run(running.ledger, request)).run_id)
    try:
        found = await read_workspace(running.settings, state, path, bytes_max=BYTES_MAX)
    except ToolError as error:
        raise _refusal(error) from None
    headers = {
        "cache-control": "no-store",
        # Whatever a model wrote must not run in a browser.
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
    }
    return Response(found, headers=headers, media_type=TYPE)


def _refusal(error: ToolError) -> HttpRefusal:
    fault = Fault(place="query", pointer="/path", detail=error.detail)
    return HttpRefusal(_kind(error.code), error.detail, faults=[fault])


def _kind(code: str) -> Kind:
    if code in ("not_found", "not_a_file", "not_a_folder"):
        return FILE_NOT_FOUND
    return CONFLICT if code in ("too_large", "failed") else PATH_REFUSED


_PROBLEMS = (*READS, RUN_NOT_FOUND, FILE_NOT_FOUND, PATH_REFUSED, CONFLICT, SANDBOX)

OPERATIONS = (
    Operation(
        name="listWorkspaceFiles",
        method="GET",
        path="/v1/runs/{run_id}/workspace/files",
        summary="List a folder of a run's workspace",
        description="As the run sees it. Refused for a run that works in a folder that is not its own.",
        handler=index,
        query=FolderQuery,
        answers=(Answer(status=200, description="What lies there.", body=FolderView),),
        parameters=(RUN_ID,),
        problems=_PROBLEMS,
        tag="runs",
    ),
    Operation(
        name="getWorkspaceFile",
        method="GET",
        path="/v1/runs/{run_id}/workspace/file",
        summary="Send a file of a run's workspace",
        description="4 MiB at most. No link is followed, protected files are refused, secrets blotted out.",
        handler=show,
        query=FileQuery,
        answers=(Answer(status=200, description="The bytes.", body=str, media_type=TYPE),),
        parameters=(RUN_ID,),
        problems=_PROBLEMS,
        tag="runs",
    ),
)
