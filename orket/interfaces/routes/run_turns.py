"""``/v1/runs/{run_id}/turns``: what the seats did, turn by turn."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.answers import one_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import RUN_NOT_FOUND
from orket.interfaces.reading import read_query
from orket.interfaces.routes.run_calls import fold
from orket.interfaces.routes.runs import find_run
from orket.wire.turns import TurnPage, turn_view


class TurnsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which turns to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0
    card: Annotated[str | UnsetType, Meta(description="Only turns of this card.")] = UNSET


async def index(bridge: Bridge, request: Request) -> Response:
    """List the latest turns of the run's cards."""
    query = read_query(request, TurnsQuery)
    ledger = bridge.running.ledger
    state = await fold(ledger, (await find_run(ledger, request)).run_id)
    found = [turn for card, turns in state.turns.items() if query.card in (UNSET, card) for turn in turns]
    shown, following = one_page(request, found, cursor=query.cursor, limit=query.limit)
    return page_response(TurnPage(turns=tuple(map(turn_view, shown)), next=following), following)


OPERATIONS = (
    Operation(
        name="listRunTurns",
        method="GET",
        path="/v1/runs/{run_id}/turns",
        summary="List a run's turns",
        description="Each card's latest 20; the event stream has all of them.",
        handler=index,
        query=TurnsQuery,
        answers=(Answer(status=200, description="A page.", body=TurnPage, headers=("Link",)),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND),
        tag="runs",
    ),
)
