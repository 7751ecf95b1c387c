"""``/v1/ledger``: everything that happened, in order."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.identifiers import RunId
from orket.interfaces.answers import next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation
from orket.interfaces.reading import SEQ_MAX, read_query
from orket.wire.events import EventPage
from orket.wire.views import event_view


class LedgerQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events to list."""

    after: Annotated[int, Meta(ge=0, description="Begin after this sequence number.")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, description="How many at most.")] = 100
    run: Annotated[str | UnsetType, Meta(description="Only events of this run.")] = UNSET


async def index(bridge: Bridge, request: Request) -> Response:
    """List events in ledger order."""
    query = read_query(request, LedgerQuery)
    run_id = None if query.run is UNSET else RunId(query.run)
    after = min(query.after, SEQ_MAX)
    found = await bridge.running.ledger.read(run_id, after=after, limit=query.limit + 1)
    shown, more = found[: query.limit], len(found) > query.limit
    following = next_page(request, after=shown[-1].seq) if more else ""
    return page_response(EventPage(events=tuple(event_view(one) for one in shown), next=following), following)


OPERATIONS = (
    Operation(
        name="listEvents",
        method="GET",
        path="/v1/ledger",
        summary="List the events of all runs",
        handler=index,
        query=LedgerQuery,
        answers=(Answer(status=200, description="A page.", body=EventPage, headers=("Link",)),),
        problems=READS,
        tag="ledger",
    ),
)
