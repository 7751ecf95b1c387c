"""``/v1/system``, ``/livez`` and ``/readyz``: what the server says about itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket import __version__
from orket.domain.keys import Scope
from orket.interfaces.admission import Lane
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import ASKS, READS, REQUEST_TIMEOUT, WITH_BODY, Answer, Operation
from orket.interfaces.problems import CONFLICT, NOT_RUNNING, HttpRefusal
from orket.interfaces.reading import T, read_json
from orket.orchestration.messages import EngineTicket, HaltEngine, ReleaseEngine
from orket.wire.system import EngineStanding, EngineView, HaltBody, HealthView, ReleaseBody, VersionView


async def version(bridge: Bridge, request: Request) -> Response:
    """Say which Orket this is."""
    return json_response(VersionView(version=__version__, api="v1"))


async def livez(bridge: Bridge, request: Request) -> Response:
    """Answer at all: the process is alive, whatever the engine does."""
    return json_response(HealthView())


async def readyz(bridge: Bridge, request: Request) -> Response:
    """Say whether commands can be carried out."""
    if not bridge.alive:
        raise HttpRefusal(NOT_RUNNING, "The engine is not running.")
    return json_response(HealthView())


async def engine(bridge: Bridge, request: Request) -> Response:
    """Say whether the engine is halted."""
    found = await bridge.pulse.standing()
    by, reason = ("", "") if found is None else (found.by, found.reason)
    return json_response(EngineView(halted=found is not None, by=by, reason=reason))


async def halt(bridge: Bridge, request: Request) -> Response:
    """End all work; after the answer no new effect starts in any run."""
    body = await _read(bridge, request, HaltBody)
    return _standing(await bridge.ask(request, HaltEngine(by=body.by, reason=body.reason)))


async def release(bridge: Bridge, request: Request) -> Response:
    """Let the runs go on from where they stood."""
    body = await _read(bridge, request, ReleaseBody)
    return _standing(await bridge.ask(request, ReleaseEngine(by=body.by)))


async def _read(bridge: Bridge, request: Request, kind: type[T]) -> T:
    limits = bridge.limits
    return await read_json(request, kind, bytes_max=limits.body_bytes, seconds_max=limits.body_s)


def _standing(ticket: EngineTicket) -> Response:
    return json_response(EngineStanding(halted=ticket.halted, runs=ticket.runs))


OPERATIONS = (
    Operation(
        name="getEngine",
        method="GET",
        path="/v1/system/engine",
        summary="Whether the engine is halted",
        handler=engine,
        answers=(Answer(status=200, description="The engine as it stands.", body=EngineView),),
        problems=READS,
        tag="system",
    ),
    Operation(
        name="haltEngine",
        method="POST",
        path="/v1/system/halt",
        summary="Halt the engine",
        description="All work ends; after the answer nothing starts in any run, across restarts, until "
        "the engine is released.",
        handler=halt,
        body=HaltBody,
        answers=(Answer(status=200, description="Recorded; nothing is under way.", body=EngineStanding),),
        parameters=(REQUEST_TIMEOUT,),
        problems=(*WITH_BODY, *ASKS, CONFLICT),
        tag="system",
        scope=Scope.OPERATE,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="releaseEngine",
        method="POST",
        path="/v1/system/release",
        summary="Release a halted engine",
        handler=release,
        body=ReleaseBody,
        answers=(Answer(status=200, description="Recorded; the runs go on.", body=EngineStanding),),
        parameters=(REQUEST_TIMEOUT,),
        problems=(*WITH_BODY, *ASKS, CONFLICT),
        tag="system",
        scope=Scope.ADMIN,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="getVersion",
        method="GET",
        path="/v1/system/version",
        summary="Which Orket this is",
        handler=version,
        answers=(Answer(status=200, description="The version.", body=VersionView),),
        tag="system",
        scope=None,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="getLiveness",
        method="GET",
        path="/livez",
        summary="Whether the process answers",
        handler=livez,
        answers=(Answer(status=200, description="It does.", body=HealthView),),
        tag="system",
        scope=None,
        lane=Lane.CONTROL,
    ),
    Operation(
        name="getReadiness",
        method="GET",
        path="/readyz",
        summary="Whether the engine takes commands",
        handler=readyz,
        answers=(Answer(status=200, description="It does.", body=HealthView),),
        problems=(NOT_RUNNING,),
        tag="system",
        scope=None,
        lane=Lane.CONTROL,
    ),
)
