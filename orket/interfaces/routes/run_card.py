"""``/v1/runs/{run_id}/cards/{card_id}``: one card with its history, comments and verification."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.domain.card_account import CardStory
from orket.domain.identifiers import CardId
from orket.domain.ports import LedgerReader
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation, Parameter
from orket.interfaces.problems import CARD_NOT_FOUND, RUN_NOT_FOUND, not_found
from orket.interfaces.routes.runs import find_run
from orket.wire.accounts import CardAccountView, account_view

EVENTS_AT_A_TIME = 1000
CARD_ID = Parameter(name="card_id", place="path", description="The card's id.")


async def show(bridge: Bridge, request: Request) -> Response:
    """Show all that is recorded about one card of a run."""
    ledger = bridge.running.ledger
    run_id = (await find_run(ledger, request)).run_id
    card_id = CardId(request.path_params["card_id"])
    story = CardStory(run_id, card_id)
    await tell(ledger, story)
    if card_id not in story.state.cards:
        raise not_found(CARD_NOT_FOUND, "card_id", card_id)
    return json_response(account_view(story.account()))


async def tell(ledger: LedgerReader, story: CardStory) -> None:
    """Tell a story all that is recorded about its run."""
    after = 0
    while page := await ledger.read(story.state.run_id, after=after, limit=EVENTS_AT_A_TIME):
        for one in page:
            story.take(one)
        after = page[-1].seq


OPERATIONS = (
    Operation(
        name="getRunCard",
        method="GET",
        path="/v1/runs/{run_id}/cards/{card_id}",
        summary="Show a card of a run, with its history",
        handler=show,
        answers=(Answer(status=200, description="The card as it stands.", body=CardAccountView),),
        parameters=(RUN_ID, CARD_ID),
        problems=(*READS, RUN_NOT_FOUND, CARD_NOT_FOUND),
        tag="cards",
    ),
)
