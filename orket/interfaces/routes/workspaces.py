"""``/v1/runs/{run_id}/workspace/…``: what a run changed is applied, rolled back or discarded."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.identifiers import RunId
from orket.domain.keys import Scope
from orket.interfaces.admission import Lane
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import expected_seq
from orket.interfaces.operations import (
    ASKS,
    IF_MATCH,
    REQUEST_TIMEOUT,
    RUN_ID,
    WITH_BODY,
    Answer,
    Handler,
    Operation,
)
from orket.interfaces.problems import CHANGED, CONFLICT, RUN_NOT_FOUND, SANDBOX
from orket.interfaces.reading import T, read_json
from orket.orchestration.messages import TendWorkspace, WorkspaceAct
from orket.wire.runs import RunStanding
from orket.wire.workspaces import ApplyBody, DiscardBody, RollbackBody


async def apply(bridge: Bridge, request: Request) -> Response:
    """Write what the run changed into its project."""
    body = await _read(bridge, request, ApplyBody)
    return await _tend(bridge, request, _command(request, WorkspaceAct.APPLY, body.by, into=body.into))


async def roll_back(bridge: Bridge, request: Request) -> Response:
    """Put the project back as it was."""
    body = await _read(bridge, request, RollbackBody)
    return await _tend(bridge, request, _command(request, WorkspaceAct.ROLLBACK, body.by, to=body.to))


async def discard(bridge: Bridge, request: Request) -> Response:
    """Delete the workspace of a run that has ended."""
    body = await _read(bridge, request, DiscardBody)
    return await _tend(bridge, request, _command(request, WorkspaceAct.DISCARD, body.by))


def _command(
    request: Request, act: WorkspaceAct, by: str, *, into: str = "", to: int | None = None
) -> TendWorkspace:
    run_id = RunId(request.path_params["run_id"])
    return TendWorkspace(run_id=run_id, by=by, act=act, into=into, to=to, if_seq=expected_seq(request))


async def _tend(bridge: Bridge, request: Request, command: TendWorkspace) -> Response:
    ticket = await bridge.ask(request, command)
    return json_response(RunStanding(id=ticket.run_id, status=ticket.status))


async def _read(bridge: Bridge, request: Request, kind: type[T]) -> T:
    limits = bridge.limits
    return await read_json(request, kind, bytes_max=limits.body_bytes, seconds_max=limits.body_s)


def _operation(
    name: str, act: WorkspaceAct, summary: str, handler: Handler, body: type[msgspec.Struct]
) -> Operation:
    return Operation(
        name=name,
        method="POST",
        path=f"/v1/runs/{{run_id}}/workspace/{act}",
        summary=summary,
        description="Recorded before a file is touched; one that was cut off is finished by asking again.",
        handler=handler,
        body=body,
        answers=(Answer(status=200, description="Done; where the run stands.", body=RunStanding),),
        parameters=(RUN_ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, RUN_NOT_FOUND, CONFLICT, CHANGED, SANDBOX),
        tag="runs",
        scope=Scope.APPROVE,
        lane=Lane.CONTROL,
    )


OPERATIONS = (
    _operation(
        "applyWorkspace", WorkspaceAct.APPLY, "Write what a run changed into its project", apply, ApplyBody
    ),
    _operation(
        "rollBackWorkspace",
        WorkspaceAct.ROLLBACK,
        "Put the project back as it was before",
        roll_back,
        RollbackBody,
    ),
    _operation(
        "discardWorkspace", WorkspaceAct.DISCARD, "Delete the workspace of a run", discard, DiscardBody
    ),
)
