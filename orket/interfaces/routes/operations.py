"""``/v1/operations``: how far accepted work has come, whatever it is; every run is one."""

from __future__ import annotations

from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from orket.domain.identifiers import RunId
from orket.domain.keys import Scope
from orket.domain.ports import RunSummary
from orket.domain.runs import FINAL_RUN, RunStatus
from orket.interfaces.admission import Lane
from orket.interfaces.answers import json_response, next_page, page_response, run_path
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import expected_seq, run_tag
from orket.interfaces.operations import (
    ASKS,
    IF_MATCH,
    PREFER,
    READS,
    REQUEST_TIMEOUT,
    WITH_BODY,
    Answer,
    Operation,
    Parameter,
)
from orket.interfaces.preferences import applied, rested, wait_s
from orket.interfaces.problems import CHANGED, CONFLICT, OPERATION_NOT_FOUND, not_found
from orket.interfaces.reading import SEQ_MAX, read_json, read_query
from orket.interfaces.routes.runs import RunsQuery
from orket.orchestration.messages import CancelRun
from orket.wire.operations import OperationPage, OperationState, OperationView
from orket.wire.runs import CancelBody

POLL_AFTER_S = 1
ID = Parameter(name="operation_id", place="path", description="The operation's id.")
_STATES: MappingProxyType[RunStatus, OperationState] = MappingProxyType(
    {
        RunStatus.RUNNING: "working",
        RunStatus.PAUSED: "input_required",
        RunStatus.WAITING_FOR_APPROVAL: "input_required",
        RunStatus.DONE: "completed",
        RunStatus.BLOCKED: "failed",
        RunStatus.FAILED: "failed",
        RunStatus.CANCELED: "cancelled",
    }
)


async def index(bridge: Bridge, request: Request) -> Response:
    """List operations, newest first."""
    query = read_query(request, RunsQuery)
    found = await bridge.running.ledger.runs(
        before=min(query.cursor, SEQ_MAX), limit=query.limit + 1, open_only=query.open
    )
    shown, more = found[: query.limit], len(found) > query.limit
    following = next_page(request, cursor=shown[-1].accepted_seq) if more else ""
    views = tuple(_view(request, one) for one in shown)
    return page_response(OperationPage(operations=views, next=following), following)


async def show(bridge: Bridge, request: Request) -> Response:
    """Show one operation as it stands, or once it rests."""
    found = await _find(bridge, request)
    seconds = wait_s(request, bridge.limits.wait_max_s)
    if seconds is not None:
        found = await rested(bridge, request, found.run_id, seconds) or found
    headers = {"etag": run_tag(found.last_seq), **applied(seconds)}
    if found.status not in FINAL_RUN:
        headers["retry-after"] = str(POLL_AFTER_S)
    return json_response(_view(request, found), headers=headers)


async def cancel(bridge: Bridge, request: Request) -> Response:
    """End the work for good."""
    limits = bridge.limits
    body = await read_json(request, CancelBody, bytes_max=limits.body_bytes, seconds_max=limits.body_s)
    found = await _find(bridge, request)
    seq = expected_seq(request)
    await bridge.ask(request, CancelRun(run_id=found.run_id, by=body.by, reason=body.reason, if_seq=seq))
    return json_response(_view(request, await _find(bridge, request)))


async def _find(bridge: Bridge, request: Request) -> RunSummary:
    name: str = request.path_params["operation_id"]
    found = await bridge.running.ledger.run(RunId(name))
    if found is None:
        raise not_found(OPERATION_NOT_FOUND, "operation_id", name)
    return found


def _view(request: Request, run: RunSummary) -> OperationView:
    return OperationView(
        id=run.run_id,
        state=_STATES[run.status],
        detail=run.reason,
        result_url=run_path(request, run.run_id),
        created_at=run.accepted_at,
        finished_at=run.finished_at,
        poll_after_s=None if run.status in FINAL_RUN else POLL_AFTER_S,
    )


OPERATIONS = (
    Operation(
        name="listOperations",
        method="GET",
        path="/v1/operations",
        summary="List operations, newest first",
        handler=index,
        query=RunsQuery,
        answers=(Answer(status=200, description="A page.", body=OperationPage, headers=("Link",)),),
        problems=READS,
        tag="operations",
    ),
    Operation(
        name="getOperation",
        method="GET",
        path="/v1/operations/{operation_id}",
        summary="Show how far an operation has come",
        description="The states are those of the tasks of MCP. With `Prefer: wait=N` it is answered when the "
        "operation rests.",
        handler=show,
        answers=(
            Answer(
                status=200,
                description="The operation as it stands.",
                body=OperationView,
                headers=("ETag", "Retry-After", "Preference-Applied"),
            ),
        ),
        parameters=(ID, PREFER),
        problems=(*READS, OPERATION_NOT_FOUND),
        tag="operations",
    ),
    Operation(
        name="cancelOperation",
        method="POST",
        path="/v1/operations/{operation_id}/cancel",
        summary="Cancel an operation for good",
        handler=cancel,
        body=CancelBody,
        answers=(Answer(status=200, description="Recorded; it has ended.", body=OperationView),),
        parameters=(ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, OPERATION_NOT_FOUND, CONFLICT, CHANGED),
        tag="operations",
        scope=Scope.OPERATE,
        lane=Lane.CONTROL,
    ),
)
