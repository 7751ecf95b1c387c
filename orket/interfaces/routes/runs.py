"""``/v1/runs``: starting runs and looking at them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.errors import RunNotFound
from orket.domain.identifiers import CardId, RunId
from orket.domain.ports import LedgerReader, RunSummary
from orket.interfaces.answers import json_response, next_page, page_response, run_path
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import (
    ASKS,
    IDEMPOTENCY_KEY,
    READS,
    REQUEST_TIMEOUT,
    RUN_ID,
    WITH_BODY,
    Answer,
    Operation,
)
from orket.interfaces.problems import ASSET, DENIED, KEY_REUSED, RUN_NOT_FOUND, UNPROCESSABLE
from orket.interfaces.reading import SEQ_MAX, command_key, read_json, read_query
from orket.orchestration.messages import StartRun
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
        model=body.model,
        parallel=body.parallel,
        budget=budget(body.budget),
        key=command_key(request, body),
    )
    ticket = await bridge.ask(request, command)
    url = run_path(request, ticket.run_id)
    headers = {"location": url}
    if ticket.replayed:
        headers["idempotency-replayed"] = "true"
    started = RunStarted(id=ticket.run_id, url=url, events_url=f"{url}/events")
    return json_response(started, status=202, headers=headers)


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
    """Show one run as it stands."""
    return json_response(run_view(await find_run(bridge.running.ledger, request)))


async def find_run(ledger: LedgerReader, request: Request) -> RunSummary:
    """Find the run that the path names.

    Raises:
        RunNotFound: There is none.
    """
    run_id = RunId(request.path_params["run_id"])
    found = await ledger.run(run_id)
    if found is None:
        raise RunNotFound(f"no run has the id {run_id[:100]!r}")
    return found


OPERATIONS = (
    Operation(
        name="startRun",
        method="POST",
        path="/v1/runs",
        summary="Start a run",
        description="The run goes on whether or not the caller stays; follow it by its events.",
        handler=start,
        body=StartRunBody,
        answers=(
            Answer(
                status=202,
                description="Accepted and recorded.",
                body=RunStarted,
                headers=("Location", "Idempotency-Replayed"),
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
        ),
        parameters=(IDEMPOTENCY_KEY, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, ASSET, UNPROCESSABLE, KEY_REUSED, DENIED),
        tag="runs",
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
        answers=(Answer(status=200, description="The run as it stands.", body=RunView),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND),
        tag="runs",
    ),
)
