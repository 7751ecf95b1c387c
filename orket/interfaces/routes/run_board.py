"""``/v1/runs/{run_id}/board``: a run's issues by where they stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.cards import Card, CardStatus, CardType
from orket.domain.identifiers import RunId
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import RUN_NOT_FOUND
from orket.interfaces.reading import read_query
from orket.interfaces.routes.runs import find_run
from orket.wire.board import BoardView, ColumnView
from orket.wire.views import card_view


class BoardQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of the board to show."""

    limit: Annotated[int, Meta(ge=0, le=200, description="How many cards of a column at most.")] = 50
    archived: Annotated[bool, Meta(description="Show the cards that are archived; else only count them.")] = (
        False
    )


async def show(bridge: Bridge, request: Request) -> Response:
    """Show the run's issues by status."""
    query = read_query(request, BoardQuery)
    ledger = bridge.running.ledger
    run_id = (await find_run(ledger, request)).run_id
    issues = [one for one in await ledger.cards(run_id) if one.type is CardType.ISSUE]
    limits = {CardStatus.ARCHIVED: query.limit if query.archived else 0}
    columns = tuple(_column(run_id, status, issues, limits.get(status, query.limit)) for status in CardStatus)
    return json_response(BoardView(run_id=run_id, columns=columns))


def _column(run_id: RunId, status: CardStatus, issues: Iterable[Card], limit: int) -> ColumnView:
    there = [one for one in issues if one.status is status]
    shown = tuple(card_view(run_id, one) for one in there[:limit])
    return ColumnView(status=status, count=len(there), cards=shown)


OPERATIONS = (
    Operation(
        name="getRunBoard",
        method="GET",
        path="/v1/runs/{run_id}/board",
        summary="Show a run's issues by where they stand",
        description="`/v1/runs/{run_id}/cards` and `/v1/cards?status=` list all of them in pages.",
        handler=show,
        query=BoardQuery,
        answers=(Answer(status=200, description="The board as it stands.", body=BoardView),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND),
        tag="cards",
    ),
)
