"""``/v1/runs/{run_id}/events`` and ``/cards``: what happened in a run, and what came of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from orket.domain.runs import FINAL_RUN
from orket.interfaces.answers import next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.events import SSE_TYPE, EventStream
from orket.interfaces.operations import LAST_EVENT_ID, READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import RUN_NOT_FOUND, STREAMS
from orket.interfaces.reading import SEQ_MAX, last_event_id, read_query
from orket.interfaces.routes.runs import find_run
from orket.interfaces.tail import Tail
from orket.wire.cards import CardPage
from orket.wire.events import EventView
from orket.wire.views import card_view


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to begin."""

    after: Annotated[
        int,
        Meta(ge=0, description="Begin after this sequence number; `Last-Event-ID` wins over it."),
    ] = 0
    pieces: Annotated[
        bool, Meta(description="Also tell what models are writing, as events of the kind `piece`.")
    ] = False


class RunCardsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cards to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0


async def events(bridge: Bridge, request: Request) -> Response:
    """Stream the run's events: those there are, then the new ones, up to its end."""
    tail = await tail_of(bridge, request)
    if tail.over:
        summary = await find_run(bridge.running.ledger, request)
        if tail.after >= summary.last_seq:
            # To a browser this is the only answer that means: do not come back.
            return Response(status_code=204)
    return EventStream(tail, bridge.streams)


async def tail_of(bridge: Bridge, request: HTTPConnection) -> Tail:
    """Begin where the client left off.

    Raises:
        RunNotFound: There is no such run.
        WireInvalid, HttpRefusal: The query or ``Last-Event-ID`` is not usable.
    """
    query = read_query(request, EventsQuery)
    came_back = last_event_id(request)
    after = min(query.after, SEQ_MAX) if came_back is None else came_back
    ledger = bridge.running.ledger
    summary = await find_run(ledger, request)
    over = summary.status in FINAL_RUN
    live = bridge.running.live if query.pieces else None
    return Tail(ledger, summary.run_id, after, bridge.limits, over, live)


async def cards(bridge: Bridge, request: Request) -> Response:
    """List the run's cards as they stand."""
    query = read_query(request, RunCardsQuery)
    ledger = bridge.running.ledger
    run_id = (await find_run(ledger, request)).run_id
    found = await ledger.cards(run_id)
    end = query.cursor + query.limit
    following = next_page(request, cursor=end) if len(found) > end else ""
    shown = tuple(card_view(run_id, one) for one in found[query.cursor : end])
    return page_response(CardPage(cards=shown, next=following), following)


OPERATIONS = (
    Operation(
        name="streamRunEvents",
        method="GET",
        path="/v1/runs/{run_id}/events",
        summary="Follow a run",
        description="Server-sent events: `id` is the sequence number, `data` one event as JSON. The stream "
        "ends with the run; it can be taken up again after any event, without a gap and without a repeat. "
        "The same path serves a WebSocket: one event a text message, resumed with `after`; it is closed with "
        "1000 at the end of the run and with 1001 when the server stops. With `pieces=true` what models are "
        "writing comes in between, as events named `piece` that have no `id`: one is `run_id`, `card_id`, "
        "`turn`, `attempt`, `seat`, `model`, `call` (null for the text, else the number of a tool call), "
        "`tool`, `offset` and `text`, and `kind`, which is `piece`. The text so far is what was there up to "
        "`offset`, and then `text`; a later `attempt` starts anew; the event with the answer replaces all.",
        handler=events,
        query=EventsQuery,
        answers=(
            Answer(status=200, description="The stream.", body=EventView, media_type=SSE_TYPE),
            Answer(status=204, description="The run is over and the client has seen all of it."),
        ),
        parameters=(RUN_ID, LAST_EVENT_ID),
        problems=(*READS, RUN_NOT_FOUND, STREAMS),
        tag="runs",
    ),
    Operation(
        name="listRunCards",
        method="GET",
        path="/v1/runs/{run_id}/cards",
        summary="List a run's cards",
        handler=cards,
        query=RunCardsQuery,
        answers=(Answer(status=200, description="A page.", body=CardPage, headers=("Link",)),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND),
        tag="cards",
    ),
)
