"""One entry per method and path, from which the router and the OpenAPI document are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import attrs
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orket.interfaces.bridge import Bridge
from orket.interfaces.problems import (
    BODY_LATE,
    CRASHED,
    DEADLINE,
    FOREIGN_HOST,
    FOREIGN_ORIGIN,
    INTERNAL,
    INVALID,
    MALFORMED,
    MEDIA_TYPE,
    NOT_RUNNING,
    OVERLOADED,
    STORE,
    TOO_LARGE,
    Kind,
)
from orket.interfaces.reading import DEADLINE_MIN_S

Handler = Callable[[Bridge, Request], Awaitable[Response]]

ALWAYS = (FOREIGN_ORIGIN, FOREIGN_HOST, INTERNAL)
READS = (INVALID, NOT_RUNNING, STORE)
WITH_BODY = (MALFORMED, BODY_LATE, TOO_LARGE, MEDIA_TYPE, INVALID)
ASKS = (INVALID, NOT_RUNNING, OVERLOADED, STORE, DEADLINE, CRASHED)


@attrs.frozen(kw_only=True)
class Parameter:
    """A header or path parameter; ``schema`` is its JSON Schema, None for any text."""

    name: str
    place: str
    description: str
    schema: Mapping[str, object] | None = None


@attrs.frozen(kw_only=True)
class Answer:
    """A success: its status, what it means, its body (None: no body) and its media type.

    ``leads_to`` names operations about the run whose ``id`` the body has.
    """

    status: int
    description: str
    body: type[msgspec.Struct] | None = None
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Operation:
    """One method of one resource.

    ``name`` is the ``operationId``, stable for those who generate clients. ``path`` is in Starlette's
    notation. ``query`` is a struct whose fields are the query parameters.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str = ""
    handler: Handler
    answers: tuple[Answer, ...]
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Kind, ...] = ()
    tag: str


RUN_ID = Parameter(name="run_id", place="path", description="The run's id.")
CALL_ID = Parameter(
    name="call_id",
    place="path",
    description="The tool call's id; its slashes are percent-encoded or left as they are.",
)
APPROVAL_ID = Parameter(name="approval_id", place="path", description="What waits, as the list names it.")
REQUEST_TIMEOUT = Parameter(
    name="Request-Timeout",
    place="header",
    description="How many seconds the caller waits for the engine, 30 if it does not say.",
    schema={"type": "number", "minimum": DEADLINE_MIN_S, "examples": [5]},
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    place="header",
    description="Repeating the request with this key gives the answer again and does nothing twice.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
)
LAST_EVENT_ID = Parameter(
    name="Last-Event-ID",
    place="header",
    description="The newest sequence number the client has; the stream goes on after it.",
    schema={"type": "integer", "minimum": 0},
)


def routes_of(operations: Iterable[Operation], bridge: Bridge) -> Sequence[Route]:
    """Make one route per path, so that a wrong method gets the right ``Allow``."""
    by_path: dict[str, list[Operation]] = {}
    for one in operations:
        by_path.setdefault(one.path, []).append(one)
    return [_route(path, ours, bridge) for path, ours in by_path.items()]


def _route(path: str, operations: Sequence[Operation], bridge: Bridge) -> Route:
    handlers = {one.method: one.handler for one in operations}

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](bridge, request)

    return Route(path, endpoint, methods=list(handlers), name=operations[0].name)
