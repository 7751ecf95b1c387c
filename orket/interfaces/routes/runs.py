"""``/v1/runs``: starting runs and looking at them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from orket.domain.errors import RunNotFound
from orket.domain.identifiers import CardId, RunId
from orket.domain.keys import Scope
from orket.domain.ports import LedgerReader, RunSummary
from orket.domain.runs import RunStatus
from orket.interfaces.answers import json_response, next_page, operation_path, page_response, run_path
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import run_tag
from orket.interfaces.operations import (
    ASKS,
    IDEMPOTENCY_KEY,
    PREFER,
    READS,
    REQUEST_TIMEOUT,
    RUN_ID,
    WITH_BODY,
    Answer,
    Operation,
)
from orket.interfaces.preferences import applied, rested, wait_s
from orket.interfaces.problems import ASSET, DENIED, KEY_REUSED, RUN_NOT_FOUND, UNPROCESSABLE
from orket.interfaces.reading import SEQ_MAX, command_key, read_json, read_query
from orket.orchestration.messages import RunTicket, StartRun
from orket.wire.runs import RunPage, RunStarted, RunView, StartRunBody
from orket.wire.views import budget, run_view


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs to list."""

    limit: Annotated[int, Meta(ge=1, le=200, description="How many at most.")] = 50
    cursor: Annotated[
        int, Meta(ge=0, description="Where the page begins; taken from the previous page's `next`.")
    ] = SEQ_MAX
    open: Annotated[bool, Meta(description="Only runs that have not ended.")] = False


async def start(bridge: Bridge, request: Request) -> Response:
    """Start a run; answered when the acceptance is durable."""
    limits = bridge.limits
    body = await read_json(request, StartRunBody, bytes_max=limits.body_bytes, seconds_max=limits.body_s)
    command = StartRun(
        target=body.target,
        only=None if body.only is None else CardId(body.only),
        workspace=body.workspace,
        project=body.project,
        services=body.services,
        model=body.model,
        parallel=body.parallel,
        budget=budget(body.budget),
        key=command_key(request, body),
    )
    seconds = wait_s(request, limits.wait_max_s)
    return await started(bridge, request, await bridge.ask(request, command), seconds)


async def started(bridge: Bridge, request: Request, ticket: RunTicket, seconds: float | None) -> Response:
    """Answer that a run was accepted; with 200 and the run itself if it rests while the caller waits."""
    url = run_path(request, ticket.run_id)
    headers = {"location": url, **applied(seconds)}
    if ticket.replayed:
        headers["idempotency-replayed"] = "true"
    if seconds is not None:
        found = await rested(bridge, request, ticket.run_id, seconds)
        if found is not None and found.status is not RunStatus.RUNNING:
            tagged = {**headers, "content-location": url, "etag": run_tag(found.last_seq)}
            return json_response(run_view(found), headers=tagged)
    body = RunStarted(
        id=ticket.run_id,
        url=url,
        events_url=f"{url}/events",
        operation_url=operation_path(request, ticket.run_id),
    )
    return json_response(body, status=202, headers={**headers, "retry-after": "1"})


async def index(bridge: Bridge, request: Request) -> Response:
    """List runs, newest first."""
    query = read_query(request, RunsQuery)
    found = await bridge.running.ledger.runs(
        before=min(query.cursor, SEQ_MAX), limit=query.limit + 1, open_only=query.open
    )
    shown, more = found[: query.limit], len(found) > query.limit
    following = next_page(request, cursor=shown[-1].accepted_seq) if more else ""
    return page_response(RunPage(runs=tuple(run_view(one) for one in shown), next=following), following)


async def show(bridge: Bridge, request: Request) -> Response:
    """Show one run as it stands, or once it rests."""
    found = await find_run(bridge.running.ledger, request)
    seconds = wait_s(request, bridge.limits.wait_max_s)
    if seconds is not None:
        found = await rested(bridge, request, found.run_id, seconds) or found
    headers = {"etag": run_tag(found.last_seq), **applied(seconds)}
    return json_response(run_view(found), headers=headers)


async def find_run(ledger: LedgerReader, request: HTTPConnection) -> RunSummary:
    """Find the run that the path names.

    Raises:
        RunNotFound: There is none.
    """
    run_id = RunId(request.path_params["run_id"])
    found = await ledger.run(run_id)
    if found is None:
        raise RunNotFound(f"no run has the id {run_id[:100]!r}")
    return found


ACCEPTED = (
    Answer(
        status=200,
        description="With `Prefer: wait`: accepted, and it rests already.",
        body=RunView,
        headers=("Location", "ETag", "Preference-Applied", "Idempotency-Replayed"),
    ),
    Answer(
        status=202,
        description="Accepted and recorded.",
        body=RunStarted,
        headers=("Location", "Retry-After", "Preference-Applied", "Idempotency-Replayed"),
        leads_to=(
            "getRun",
            "streamRunEvents",
            "listRunCards",
            "listRunToolCalls",
            "pauseRun",
            "resumeRun",
            "cancelRun",
        ),
    ),
)

OPERATIONS = (
    Operation(
        name="startRun",
        method="POST",
        path="/v1/runs",
        summary="Start a run",
        description="The run goes on whether or not the caller stays; follow it by its events.",
        handler=start,
        body=StartRunBody,
        answers=ACCEPTED,
        parameters=(IDEMPOTENCY_KEY, PREFER, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, ASSET, UNPROCESSABLE, KEY_REUSED, DENIED),
        tag="runs",
        scope=Scope.OPERATE,
    ),
    Operation(
        name="listRuns",
        method="GET",
        path="/v1/runs",
        summary="List runs, newest first",
        handler=index,
        query=RunsQuery,
        answers=(Answer(status=200, description="A page.", body=RunPage, headers=("Link",)),),
        problems=READS,
        tag="runs",
    ),
    Operation(
        name="getRun",
        method="GET",
        path="/v1/runs/{run_id}",
        summary="Show a run",
        handler=show,
        answers=(
            Answer(
                status=200,
                description="The run as it stands.",
                body=RunView,
                headers=("ETag", "Preference-Applied"),
            ),
        ),
        parameters=(RUN_ID, PREFER),
        problems=(*READS, RUN_NOT_FOUND),
        tag="runs",
    ),
)
