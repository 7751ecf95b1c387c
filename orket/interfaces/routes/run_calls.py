"""``/v1/runs/{run_id}/tool-calls``: what a run did or wants to do, and what waits for a person."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.identifiers import RunId
from orket.domain.ports import LedgerReader
from orket.domain.runs import RunState
from orket.interfaces.answers import next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import RUN_NOT_FOUND
from orket.interfaces.reading import read_query
from orket.interfaces.routes.runs import find_run
from orket.wire.calls import CallPage
from orket.wire.views import call_view

EVENTS_AT_A_TIME = 1000


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which calls to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0
    waiting: Annotated[bool, Meta(description="Only calls that a person must decide about.")] = False


async def index(bridge: Bridge, request: Request) -> Response:
    """List the calls of the run's latest turns."""
    query = read_query(request, CallsQuery)
    ledger = bridge.running.ledger
    state = await fold(ledger, (await find_run(ledger, request)).run_id)
    found = [
        call
        for turns in state.turns.values()
        for turn in turns
        for call in turn.calls
        if call.waits_for_person or not query.waiting
    ]
    end = query.cursor + query.limit
    following = next_page(request, cursor=end) if len(found) > end else ""
    shown = tuple(call_view(one) for one in found[query.cursor : end])
    return page_response(CallPage(calls=shown, next=following), following)


async def fold(ledger: LedgerReader, run_id: RunId) -> RunState:
    """Read a run's whole ledger."""
    state = RunState(run_id=run_id)
    while page := await ledger.read(run_id, after=state.last_seq, limit=EVENTS_AT_A_TIME):
        for one in page:
            state.apply_recorded(one)
    return state


OPERATIONS = (
    Operation(
        name="listRunToolCalls",
        method="GET",
        path="/v1/runs/{run_id}/tool-calls",
        summary="List a run's tool calls",
        description="Those of each card's latest 20 turns; the event stream has all of them.",
        handler=index,
        query=CallsQuery,
        answers=(Answer(status=200, description="A page.", body=CallPage, headers=("Link",)),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND),
        tag="runs",
    ),
)
