"""``/v1/cards``: the cards of all runs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.cards import CardStatus
from orket.domain.ports import LedgerReader
from orket.interfaces.answers import next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation
from orket.interfaces.reading import SEQ_MAX, read_query
from orket.wire.cards import CardPage, CardView
from orket.wire.views import card_view

RUNS_AT_A_TIME = 20


class CardsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cards to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[
        str,
        Meta(
            pattern=r"^([0-9]{1,18}\.[0-9]{1,9})?$",
            description="Taken from the previous page's `next`.",
        ),
    ] = ""
    status: Annotated[CardStatus | UnsetType, Meta(description="Only cards that stand there.")] = UNSET


async def index(bridge: Bridge, request: Request) -> Response:
    """List cards, those of the newest run first, in each run in the order they were added."""
    query = read_query(request, CardsQuery)
    shown, cursor = await _collect(bridge.running.ledger, query)
    following = next_page(request, cursor=cursor) if cursor else ""
    return page_response(CardPage(cards=shown, next=following), following)


async def _collect(ledger: LedgerReader, query: CardsQuery) -> tuple[tuple[CardView, ...], str]:
    """Fill a page, and say where the next one begins: ``<first event of the run>.<cards passed>``."""
    accepted, _, passed = query.cursor.partition(".")
    before, skip = (int(accepted) + 1, int(passed)) if accepted else (SEQ_MAX, 0)
    shown: list[CardView] = []
    while runs := await ledger.runs(before=before, limit=RUNS_AT_A_TIME):
        for run in runs:
            for place, card in enumerate(await ledger.cards(run.run_id)):
                if place < skip or query.status not in (UNSET, card.status):
                    continue
                if len(shown) == query.limit:
                    return tuple(shown), f"{run.accepted_seq}.{place}"
                shown.append(card_view(run.run_id, card))
            skip = 0
        before = runs[-1].accepted_seq
    return tuple(shown), ""


OPERATIONS = (
    Operation(
        name="listCards",
        method="GET",
        path="/v1/cards",
        summary="List the cards of all runs",
        handler=index,
        query=CardsQuery,
        answers=(Answer(status=200, description="A page.", body=CardPage, headers=("Link",)),),
        problems=READS,
        tag="cards",
    ),
)
