"""``/v1/runs/{run_id}/archive`` and ``…/restore``: cards of a run that has ended, out of sight and back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId, RunId
from orket.domain.keys import Scope
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import expected_seq
from orket.interfaces.operations import (
    ASKS,
    IF_MATCH,
    REQUEST_TIMEOUT,
    RUN_ID,
    WITH_BODY,
    Answer,
    Handler,
    Operation,
)
from orket.interfaces.problems import CHANGED, CONFLICT, RUN_NOT_FOUND, UNPROCESSABLE, HttpRefusal
from orket.interfaces.reading import read_json
from orket.orchestration.messages import ArchiveCards, Refused
from orket.wire.problems import Fault
from orket.wire.runs import ArchiveBody, RunStanding


async def archive(bridge: Bridge, request: Request) -> Response:
    """Archive cards."""
    return await _move(bridge, request, restore=False)


async def restore(bridge: Bridge, request: Request) -> Response:
    """Bring archived cards back to where they were."""
    return await _move(bridge, request, restore=True)


async def _move(bridge: Bridge, request: Request, *, restore: bool) -> Response:
    limits = bridge.limits
    body = await read_json(request, ArchiveBody, bytes_max=limits.body_bytes, seconds_max=limits.body_s)
    command = ArchiveCards(
        run_id=RunId(request.path_params["run_id"]),
        by=body.by,
        cards=tuple(map(CardId, body.cards)),
        restore=restore,
        reason=body.reason,
        if_seq=expected_seq(request),
    )
    try:
        ticket = await bridge.ask(request, command)
    except Refused as refused:
        if not isinstance(refused.error, CardNotFound):
            raise
        fault = Fault(place="body", pointer="/cards", detail=str(refused.error))
        raise HttpRefusal(UNPROCESSABLE, fault.detail, faults=[fault]) from refused
    return json_response(RunStanding(id=ticket.run_id, status=ticket.status))


def _operation(name: str, word: str, summary: str, handler: Handler) -> Operation:
    return Operation(
        name=name,
        method="POST",
        path=f"/v1/runs/{{run_id}}/{word}",
        summary=summary,
        description="All cards that are named, or none of them; without names all to which it can be done.",
        handler=handler,
        body=ArchiveBody,
        answers=(Answer(status=200, description="Recorded; where the run stands.", body=RunStanding),),
        parameters=(RUN_ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, RUN_NOT_FOUND, CONFLICT, CHANGED, UNPROCESSABLE),
        tag="cards",
        scope=Scope.OPERATE,
    )


OPERATIONS = (
    _operation("archiveCards", "archive", "Archive cards of a run that has ended", archive),
    _operation("restoreCards", "restore", "Bring archived cards back to where they were", restore),
)
