"""``/v1/runs/{run_id}/cards/{card_id}/prompt``: what a card's next turn would send to the model."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.bootstrap.prompting import preview_prompt
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import (
    ASSET,
    CARD_NOT_FOUND,
    CONFLICT,
    RUN_NOT_FOUND,
    UNPROCESSABLE,
    not_found,
)
from orket.interfaces.routes.run_calls import fold
from orket.interfaces.routes.run_card import CARD_ID
from orket.interfaces.routes.runs import find_run
from orket.wire.prompts import PromptView, prompt_view


async def show(bridge: Bridge, request: Request) -> Response:
    """Work out the prompt of the card's next turn; nothing is sent and nothing is recorded."""
    running = bridge.running
    state = await fold(running.ledger, (await find_run(running.ledger, request)).run_id)
    card_id = CardId(request.path_params["card_id"])
    try:
        said = await preview_prompt(running.settings, state, card_id, ledger=running.ledger)
    except CardNotFound:
        raise not_found(CARD_NOT_FOUND, "card_id", card_id) from None
    return json_response(prompt_view(said))


OPERATIONS = (
    Operation(
        name="previewPrompt",
        method="GET",
        path="/v1/runs/{run_id}/cards/{card_id}/prompt",
        summary="Show what a card's next turn would send to the model",
        description="Nothing is sent and nothing is recorded. What a turn did send is the content "
        "that its event `TurnStarted` names.",
        handler=show,
        answers=(Answer(status=200, description="The prompt as of now.", body=PromptView),),
        parameters=(RUN_ID, CARD_ID),
        problems=(*READS, RUN_NOT_FOUND, CARD_NOT_FOUND, CONFLICT, UNPROCESSABLE, ASSET),
        tag="cards",
    ),
)
