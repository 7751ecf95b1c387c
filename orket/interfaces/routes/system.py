"""``/v1/system``, ``/livez`` and ``/readyz``: what the server says about itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket import __version__
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import Answer, Operation
from orket.interfaces.problems import NOT_RUNNING, HttpRefusal
from orket.wire.system import HealthView, VersionView


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


OPERATIONS = (
    Operation(
        name="getVersion",
        method="GET",
        path="/v1/system/version",
        summary="Which Orket this is",
        handler=version,
        answers=(Answer(status=200, description="The version.", body=VersionView),),
        tag="system",
    ),
    Operation(
        name="getLiveness",
        method="GET",
        path="/livez",
        summary="Whether the process answers",
        handler=livez,
        answers=(Answer(status=200, description="It does.", body=HealthView),),
        tag="system",
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
    ),
)
