"""``/v1/runs/{run_id}/workspace/files`` and ``/file``: a run's workspace, and nowhere else."""

from __future__ import annotations

import hashlib
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.bootstrap.workspaces import list_workspace, read_workspace
from orket.domain.errors import ToolError
from orket.domain.identifiers import RunId
from orket.domain.keys import Scope
from orket.interfaces.answers import json_response, run_path
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import expected_content
from orket.interfaces.operations import ASKS, READS, REQUEST_TIMEOUT, RUN_ID, Answer, Operation, Parameter
from orket.interfaces.problems import (
    BODY_LATE,
    CHANGED,
    CONFLICT,
    FILE_NOT_FOUND,
    PATH_REFUSED,
    PRECONDITION_NEEDED,
    RUN_NOT_FOUND,
    SANDBOX,
    TOO_LARGE,
    HttpRefusal,
    Kind,
)
from orket.interfaces.reading import read_bytes, read_query
from orket.interfaces.routes.run_calls import fold
from orket.interfaces.routes.runs import find_run
from orket.orchestration.messages import Refused, SaveFile
from orket.wire.files import FileSaved, FolderView
from orket.wire.problems import Fault
from orket.wire.runs import By

BYTES_MAX = 4 * 1024 * 1024
SAVE_BYTES_MAX = 1_000_000
TYPE = "application/octet-stream"


class FolderQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which folder to list."""

    path: Annotated[str, Meta(description="Relative to the workspace.")] = "."


class FileQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file to send."""

    path: Annotated[str, Meta(description="Relative to the workspace.")]


class SaveQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file to write, and who does."""

    path: Annotated[str, Meta(description="Relative to the workspace; missing folders are made.")]
    by: By = "http"


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
        found, digest = await read_workspace(running.settings, state, path, bytes_max=BYTES_MAX)
    except ToolError as error:
        raise _refusal(error) from None
    headers = {
        "etag": f'"{digest}"',
        # Whatever a model wrote must not run in a browser.
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
    }
    return Response(found, headers=headers, media_type=TYPE)


async def save(bridge: Bridge, request: Request) -> Response:
    """Write a file into the workspace."""
    query, limits = read_query(request, SaveQuery), bridge.limits
    wanted = expected_content(request)
    body = await read_bytes(request, bytes_max=SAVE_BYTES_MAX, seconds_max=limits.body_s)
    run_id = RunId(request.path_params["run_id"])
    command = SaveFile(run_id=run_id, by=query.by, path=query.path, content=body, if_content=wanted)
    try:
        ticket = await bridge.ask(request, command)
    except Refused as refused:
        if isinstance(refused.error, ToolError):
            raise _refusal(refused.error) from None
        raise
    digest = hashlib.sha256(body).hexdigest()
    saved = FileSaved(path=query.path, size_bytes=len(body), sha256=digest, run=ticket.run_id)
    headers = {"etag": f'"{digest}"'}
    if ticket.made:
        where = urlencode({"path": query.path})
        headers["location"] = f"{run_path(request, ticket.run_id)}/workspace/file?{where}"
    return json_response(saved, status=201 if ticket.made else 200, headers=headers)


def _refusal(error: ToolError) -> HttpRefusal:
    fault = Fault(place="query", pointer="/path", detail=error.detail)
    return HttpRefusal(_kind(error.code), error.detail, faults=[fault])


def _kind(code: str) -> Kind:
    if code in ("not_found", "not_a_file", "not_a_folder"):
        return FILE_NOT_FOUND
    return CONFLICT if code in ("too_large", "failed") else PATH_REFUSED


FILE_TAG = r'^("[0-9a-f]{64}"|\*)$'
IF_FILE = Parameter(
    name="If-Match",
    place="header",
    description="The `ETag` of the file that is replaced; refused when it has changed. A star: any file.",
    schema={"type": "string", "pattern": FILE_TAG},
)
IF_NO_FILE = Parameter(
    name="If-None-Match",
    place="header",
    description="A star, instead of `If-Match`: only where there is no file yet.",
    schema={"type": "string", "enum": ["*"]},
)

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
        answers=(Answer(status=200, description="The bytes.", body=str, media_type=TYPE, headers=("ETag",)),),
        parameters=(RUN_ID,),
        problems=_PROBLEMS,
        tag="runs",
    ),
    Operation(
        name="saveWorkspaceFile",
        method="PUT",
        path="/v1/runs/{run_id}/workspace/file",
        summary="Save a file in a run's workspace",
        description="The body is its content, 1,000,000 bytes at most. Never while the run is at work: pause "
        "it first, or wait until it rests. The gate's rules about paths, endings, sizes and secrets hold, "
        "and the house's that deny `write_file` to all seats. Recorded with who saved it, then written; "
        "sending it again finishes what was cut off, and does nothing when the file holds it already.",
        handler=save,
        raw=TYPE,
        query=SaveQuery,
        answers=(
            Answer(status=200, description="The file holds it.", body=FileSaved, headers=("ETag",)),
            Answer(
                status=201, description="There is a new file.", body=FileSaved, headers=("ETag", "Location")
            ),
        ),
        parameters=(RUN_ID, IF_FILE, IF_NO_FILE, REQUEST_TIMEOUT),
        problems=(*_PROBLEMS, *ASKS, BODY_LATE, TOO_LARGE, CHANGED, PRECONDITION_NEEDED),
        tag="runs",
        scope=Scope.OPERATE,
    ),
)
