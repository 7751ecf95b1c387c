"""``/v1/approvals``: everything that waits for a person, whichever run it belongs to."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.keys import Scope
from orket.domain.ports import LedgerReader
from orket.domain.waiting import Waiting, waiting_for_person
from orket.interfaces.admission import Lane
from orket.interfaces.answers import json_response, next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import (
    APPROVAL_ID,
    ASKS,
    READS,
    REQUEST_TIMEOUT,
    WITH_BODY,
    Answer,
    Operation,
)
from orket.interfaces.problems import APPROVAL_NOT_FOUND, CONFLICT, RUN_NOT_FOUND, UNPROCESSABLE, not_found
from orket.interfaces.reading import read_json, read_query
from orket.interfaces.routes.run_calls import fold
from orket.orchestration.messages import DecideCall
from orket.wire.approvals import ApprovalPage, ApprovalView
from orket.wire.runs import DecisionBody, RunStanding
from orket.wire.views import approval_view

RUNS_AT_A_TIME = 100


class ApprovalsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of those that wait to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0


async def index(bridge: Bridge, request: Request) -> Response:
    """List what waits for a person in the open runs."""
    query = read_query(request, ApprovalsQuery)
    found = await _waiting(bridge.running.ledger)
    end = query.cursor + query.limit
    following = next_page(request, cursor=end) if len(found) > end else ""
    shown = tuple(approval_view(one) for one in found[query.cursor : end])
    return page_response(ApprovalPage(approvals=shown, next=following), following)


async def show(bridge: Bridge, request: Request) -> Response:
    """Show one thing that waits."""
    return json_response(approval_view(await _find(bridge, request)))


async def decide(bridge: Bridge, request: Request) -> Response:
    """Record a person's decision about what is asked under this name."""
    limits = bridge.limits
    body = await read_json(request, DecisionBody, bytes_max=limits.body_bytes, seconds_max=limits.body_s)
    call = (await _find(bridge, request)).call.call
    command = DecideCall(run_id=call.run_id, call_id=call.id, verdict=body.verdict, by=body.by)
    ticket = await bridge.ask(request, command)
    return json_response(RunStanding(id=ticket.run_id, status=ticket.status))


async def _find(bridge: Bridge, request: Request) -> Waiting:
    name: str = request.path_params["approval_id"]
    for one in await _waiting(bridge.running.ledger):
        if one.id == name:
            return one
    raise not_found(APPROVAL_NOT_FOUND, "approval_id", name)


async def _waiting(ledger: LedgerReader) -> list[Waiting]:
    found: list[Waiting] = []
    before: int | None = None
    while page := await ledger.runs(before=before, limit=RUNS_AT_A_TIME, open_only=True):
        for run in page:
            found.extend(waiting_for_person(await fold(ledger, run.run_id)))
        before = page[-1].accepted_seq
    return found


OPERATIONS = (
    Operation(
        name="listApprovals",
        method="GET",
        path="/v1/approvals",
        summary="List what waits for a person",
        description="Calls that ask for an approval and calls in doubt, of all runs that have not ended.",
        handler=index,
        query=ApprovalsQuery,
        answers=(Answer(status=200, description="A page.", body=ApprovalPage, headers=("Link",)),),
        problems=READS,
        tag="approvals",
    ),
    Operation(
        name="getApproval",
        method="GET",
        path="/v1/approvals/{approval_id}",
        summary="Show one thing that waits for a person",
        handler=show,
        answers=(Answer(status=200, description="As it stands.", body=ApprovalView),),
        parameters=(APPROVAL_ID,),
        problems=(*READS, APPROVAL_NOT_FOUND),
        tag="approvals",
    ),
    Operation(
        name="decideApproval",
        method="POST",
        path="/v1/approvals/{approval_id}/decision",
        summary="Decide about what waits for a person",
        description="An approval is good for one attempt of exactly this call, under this policy and card.",
        handler=decide,
        body=DecisionBody,
        answers=(Answer(status=200, description="Recorded; where the run stands now.", body=RunStanding),),
        parameters=(APPROVAL_ID, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, APPROVAL_NOT_FOUND, RUN_NOT_FOUND, CONFLICT, UNPROCESSABLE),
        tag="approvals",
        scope=Scope.APPROVE,
        lane=Lane.CONTROL,
    ),
)
