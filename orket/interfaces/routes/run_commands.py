"""``/v1/runs/{run_id}/…``: pause, resume, cancel, and what a person decided about a call."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.keys import Scope
from orket.interfaces.admission import Lane
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import expected_seq
from orket.interfaces.operations import (
    ASKS,
    CALL_ID,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    REQUEST_TIMEOUT,
    RUN_ID,
    WITH_BODY,
    Answer,
    Operation,
)
from orket.interfaces.preferences import wait_s
from orket.interfaces.problems import CHANGED, CONFLICT, DENIED, RUN_NOT_FOUND, UNPROCESSABLE
from orket.interfaces.reading import T, command_key, read_json
from orket.interfaces.routes.runs import ACCEPTED, started
from orket.orchestration.messages import (
    CancelRun,
    DecideCall,
    EngineCommand,
    Fork,
    PauseRun,
    ResumeRun,
    StartRun,
)
from orket.wire.runs import CancelBody, DecisionBody, ForkBody, PauseBody, ResumeBody, RunStanding
from orket.wire.views import budget


async def pause(bridge: Bridge, request: Request) -> Response:
    """Stop the run's work; after the answer no new effect starts."""
    body = await _read(bridge, request, PauseBody)
    return await _command(
        bridge,
        request,
        PauseRun(run_id=_run(request), by=body.by, reason=body.reason, if_seq=expected_seq(request)),
    )


async def resume(bridge: Bridge, request: Request) -> Response:
    """Let the run go on."""
    body = await _read(bridge, request, ResumeBody)
    command = ResumeRun(
        run_id=_run(request),
        by=body.by,
        budget=None if body.budget is None else budget(body.budget),
        budgets=tuple((CardId(card), budget(bounds)) for card, bounds in body.budgets.items()),
        if_seq=expected_seq(request),
    )
    return await _command(bridge, request, command)


async def cancel(bridge: Bridge, request: Request) -> Response:
    """End the run for good."""
    body = await _read(bridge, request, CancelBody)
    return await _command(
        bridge,
        request,
        CancelRun(run_id=_run(request), by=body.by, reason=body.reason, if_seq=expected_seq(request)),
    )


async def fork(bridge: Bridge, request: Request) -> Response:
    """Begin a new run with the history of this one."""
    body = await _read(bridge, request, ForkBody)
    wanted = Fork(run_id=_run(request), at=body.at, nodes=tuple(body.nodes.items()))
    command = StartRun(
        target="",
        model=body.model,
        workspace=body.workspace,
        fork=wanted,
        key=command_key(request, body),
    )
    seconds = wait_s(request, bridge.limits.wait_max_s)
    return await started(bridge, request, await bridge.ask(request, command), seconds)


async def decide(bridge: Bridge, request: Request) -> Response:
    """Record a person's decision about a call that waits for one."""
    body = await _read(bridge, request, DecisionBody)
    call_id = CallId(request.path_params["call_id"])
    command = DecideCall(
        run_id=_run(request), call_id=call_id, verdict=body.verdict, by=body.by, if_seq=expected_seq(request)
    )
    return await _command(bridge, request, command)


async def _command(bridge: Bridge, request: Request, command: EngineCommand) -> Response:
    ticket = await bridge.ask(request, command)
    return json_response(RunStanding(id=ticket.run_id, status=ticket.status))


async def _read(bridge: Bridge, request: Request, kind: type[T]) -> T:
    limits = bridge.limits
    return await read_json(request, kind, bytes_max=limits.body_bytes, seconds_max=limits.body_s)


def _run(request: Request) -> RunId:
    return RunId(request.path_params["run_id"])


_RECORDED = (Answer(status=200, description="Recorded; where the run stands now.", body=RunStanding),)
_PROBLEMS = (*WITH_BODY, *ASKS, RUN_NOT_FOUND, CONFLICT, CHANGED)

OPERATIONS = (
    Operation(
        name="pauseRun",
        method="POST",
        path="/v1/runs/{run_id}/pause",
        summary="Pause a run",
        description="After the answer no new effect starts, across restarts, until the run is resumed.",
        handler=pause,
        body=PauseBody,
        answers=_RECORDED,
        parameters=(RUN_ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=_PROBLEMS,
        tag="runs",
        scope=Scope.OPERATE,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="resumeRun",
        method="POST",
        path="/v1/runs/{run_id}/resume",
        summary="Resume a paused run",
        handler=resume,
        body=ResumeBody,
        answers=_RECORDED,
        parameters=(RUN_ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=(*_PROBLEMS, UNPROCESSABLE),
        tag="runs",
        scope=Scope.OPERATE,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="cancelRun",
        method="POST",
        path="/v1/runs/{run_id}/cancel",
        summary="Cancel a run for good",
        handler=cancel,
        body=CancelBody,
        answers=_RECORDED,
        parameters=(RUN_ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=_PROBLEMS,
        tag="runs",
        scope=Scope.OPERATE,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="forkRun",
        method="POST",
        path="/v1/runs/{run_id}/forks",
        summary="Begin a run with the history of this one",
        description="Into a fresh workspace, with the files written until then; commands are not repeated.",
        handler=fork,
        body=ForkBody,
        answers=ACCEPTED,
        parameters=(RUN_ID, IDEMPOTENCY_KEY, IF_MATCH, REQUEST_TIMEOUT),
        problems=(*_PROBLEMS, UNPROCESSABLE, DENIED),
        tag="runs",
        scope=Scope.OPERATE,
    ),
    Operation(
        name="decideToolCall",
        method="POST",
        path="/v1/runs/{run_id}/tool-calls/{call_id:path}/decision",
        summary="Decide about a tool call that waits for a person",
        description="Approve or deny a call that asks, or say what became of a call in doubt.",
        handler=decide,
        body=DecisionBody,
        answers=_RECORDED,
        parameters=(RUN_ID, CALL_ID, IF_MATCH, REQUEST_TIMEOUT),
        problems=(*_PROBLEMS, UNPROCESSABLE),
        tag="runs",
        scope=Scope.APPROVE,
        lane=Lane.CONTROL,
    ),
)
