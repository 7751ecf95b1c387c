"""The HTTP bridge: requests go into the engine's mailbox, reads to the ledger; it holds no state of its own.

``create_app(orket)`` bridges to an engine that runs. ``create_app()`` makes an app whose lifespan owns one,
for people who mount it under a server of their own; when that engine dies, ``/readyz`` fails.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

import actors
from orket.bootstrap import Orket, open_orket
from orket.domain.errors import OrketError
from orket.interfaces.admission import Lane
from orket.interfaces.bridge import Bridge
from orket.interfaces.docs_page import docs_route
from orket.interfaces.door import Door
from orket.interfaces.limits import HttpLimits
from orket.interfaces.openapi import openapi_route
from orket.interfaces.operations import Endpoint, routes_of
from orket.interfaces.problems import http_problem, problem_of, problem_response
from orket.interfaces.refusals import about, refusal
from orket.interfaces.routes import OPERATIONS
from orket.interfaces.sockets import event_socket
from orket.interfaces.table import Table
from orket.settings import Settings, load_settings


def create_app(
    orket: Orket | None = None, *, settings: Settings | None = None, limits: HttpLimits | None = None
) -> Starlette:
    """Make the ASGI app.

    Args:
        orket: A running engine. None: the app's lifespan opens one and owns it.
        settings: How to open one; None reads the environment when the app starts.
        limits: The bounds of the bridge.

    Returns:
        The app; ``app.state.bridge`` is what its routes share.

    A server of your own that waits for open responses before it ends the lifespan (uvicorn does) must set
    a limit to that (``timeout_graceful_shutdown``) or call ``app.state.bridge.streams.close()`` first:
    event streams last as long as their runs.
    """
    bridge = Bridge(limits or HttpLimits(), orket)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if orket is not None:
            async with bridge.departures.watched():
                yield
            return
        async with open_orket(settings or load_settings(os.environ, Path.cwd())) as opened:
            bridge.attach(opened)
            async with bridge.departures.watched():
                try:
                    yield
                finally:
                    bridge.streams.close()

    documents = (openapi_route(OPERATIONS), docs_route(OPERATIONS))
    table = Table((*routes_of(OPERATIONS, bridge), *documents))
    app = Starlette(
        routes=[table, event_socket(bridge)],
        middleware=[Middleware(Door, table=table, bridge=bridge)],
        exception_handlers={
            OrketError: _on_error,
            actors.ActorsError: _on_error,
            HTTPException: _on_http_error,
            ClientDisconnect: _on_disconnect,
            Exception: _on_unforeseen,
        },
        lifespan=lifespan,
    )
    # A path is right or wrong; a redirect would lose the body of a command.
    app.router.redirect_slashes = False
    app.state.bridge = bridge
    bridge.urgent = partial(_urgent, table)
    return app


def _urgent(table: Table, scope: Scope) -> bool:
    """Whether a request asks for what must get through when there is too much of everything else."""
    route = table.route(scope)
    endpoint = None if route is None else route.app
    operation = endpoint.operation(scope["method"]) if isinstance(endpoint, Endpoint) else None
    return operation is not None and operation.lane is Lane.CONTROL


async def _on_error(request: Request, error: Exception) -> Response:
    return refusal(request.app.state.bridge, request, error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    return problem_response(http_problem(error, **about(request)), headers)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    """The client left while it sent its body: nobody reads this."""
    return Response(status_code=400)


async def _on_unforeseen(request: Request, error: Exception) -> Response:
    known = about(request)
    error.add_note(f"while serving request {known['request_id']}")  # the server logs it, with this
    return problem_response(problem_of(error, **known), {"x-request-id": known["request_id"]})
