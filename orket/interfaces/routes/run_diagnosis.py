"""``/v1/runs/{run_id}/why-blocked``: why cards do not move, and what would free most."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.assets import Organization
from orket.domain.card_account import CardStory
from orket.domain.diagnosis import diagnose
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import CARD_NOT_FOUND, RUN_NOT_FOUND, HttpRefusal
from orket.interfaces.reading import read_query
from orket.interfaces.routes.run_card import tell
from orket.interfaces.routes.runs import find_run
from orket.wire.diagnosis import DiagnosisView, diagnosis_view
from orket.wire.problems import Fault


class DiagnosisQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to ask about."""

    card: Annotated[str | UnsetType, Meta(description="Only this issue of the run.")] = UNSET


async def show(bridge: Bridge, request: Request) -> Response:
    """Trace every card that does not move to what it comes from."""
    query = read_query(request, DiagnosisQuery)
    ledger = bridge.running.ledger
    run_id = (await find_run(ledger, request)).run_id
    story = CardStory(run_id)
    await tell(ledger, story)
    accepted = story.state.accepted
    house = Organization() if accepted is None else accepted.workload.organization
    only = None if isinstance(query.card, UnsetType) else CardId(query.card)
    try:
        said = diagnose(story.state, house.bottlenecks, since=story.since, now=datetime.now(UTC), only=only)
    except CardNotFound as error:
        fault = Fault(place="query", pointer="/card", detail=str(error))
        raise HttpRefusal(CARD_NOT_FOUND, str(error), faults=[fault]) from None
    return json_response(diagnosis_view(run_id, said))


OPERATIONS = (
    Operation(
        name="getRunDiagnosis",
        method="GET",
        path="/v1/runs/{run_id}/why-blocked",
        summary="Say why cards of a run do not move",
        description="Each with the chain of reasons down to its root, and what would free most. "
        "Nothing is blocked when `blocked` is empty.",
        handler=show,
        query=DiagnosisQuery,
        answers=(Answer(status=200, description="The diagnosis as of now.", body=DiagnosisView),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND, CARD_NOT_FOUND),
        tag="cards",
    ),
)
