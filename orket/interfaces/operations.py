"""One entry per method and path, from which the router and the OpenAPI document are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import anyio
import attrs
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from actors import ActorsError
from orket.domain.errors import OrketError
from orket.domain.keys import Scope
from orket.interfaces.admission import Lane
from orket.interfaces.bridge import Bridge
from orket.interfaces.conditions import conditional
from orket.interfaces.problems import (
    BAD_KEY,
    BODY_LATE,
    CONNECTIONS,
    CRASHED,
    DEADLINE,
    FORBIDDEN,
    FOREIGN_HOST,
    FOREIGN_ORIGIN,
    HEADERS_TOO_LARGE,
    INTERNAL,
    INVALID,
    KEY_NEEDED,
    MALFORMED,
    MEDIA_TYPE,
    NOT_RUNNING,
    OVERLOADED,
    STORE,
    TOO_LARGE,
    TOO_OFTEN,
    Kind,
)
from orket.interfaces.reading import DEADLINE_MIN_S
from orket.interfaces.refusals import refusal
from orket.interfaces.visits import visit_of

Handler = Callable[[Bridge, Request], Awaitable[Response]]

ALWAYS = (
    FOREIGN_ORIGIN,
    FOREIGN_HOST,
    BAD_KEY,
    TOO_OFTEN,
    HEADERS_TOO_LARGE,
    CONNECTIONS,
    OVERLOADED,
    INTERNAL,
)
KEYED = (KEY_NEEDED, FORBIDDEN)
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
    body: type[msgspec.Struct] | type[str] | None = None
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Operation:
    """One method of one resource.

    ``name`` is the ``operationId``, stable for those who generate clients. ``path`` is in Starlette's
    notation. ``raw`` is the media type of a body that is no JSON. ``query`` is a struct whose fields are the
    query parameters. ``scope`` is what a key must allow, None for what anybody may ask. Operations of the
    control lane get through when all places are taken.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str = ""
    handler: Handler
    answers: tuple[Answer, ...]
    body: type[msgspec.Struct] | None = None
    raw: str = ""
    query: type[msgspec.Struct] | None = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[Kind, ...] = ()
    tag: str
    scope: Scope | None = Scope.READ
    lane: Lane = Lane.WORK


# What If-Match is good for with runs; any other tag is refused with 412.
RUN_TAG = r'^("[0-9]{1,18}"|\*)$'
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
IF_MATCH = Parameter(
    name="If-Match",
    place="header",
    description="The `ETag` of the run as you know it; the command is refused when it has gone on since.",
    schema={"type": "string", "pattern": RUN_TAG, "examples": ['"17"']},
)
IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    place="header",
    description="An `ETag` you have; 304 without a body when it is still that.",
    schema={"type": "string"},
)
PREFER = Parameter(
    name="Prefer",
    place="header",
    description="`wait=N`: answer when the run rests, at the latest after N seconds (60 at most). "
    "`respond-async`: answer as soon as it is recorded, which is the default.",
    schema={"type": "string", "examples": ["wait=10"]},
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
    endpoint = Endpoint({one.method: one for one in operations}, bridge)
    return Route(path, endpoint, methods=list(endpoint.by_method), name=operations[0].name)


class Endpoint:
    """One path as an ASGI app: fewer layers than a function has, which counts when streams stay open."""

    def __init__(self, by_method: Mapping[str, Operation], bridge: Bridge) -> None:
        self.by_method, self._bridge = by_method, bridge

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive, send)
        response = await self._answer(request)
        try:
            await response(scope, receive, send)
        except (OrketError, ActorsError) as error:  # a stream that could not be begun
            await refusal(self._bridge, request, error)(scope, receive, send)

    def operation(self, method: str) -> Operation | None:
        """Find the operation of a method."""
        return self.by_method.get("GET" if method == "HEAD" else method)

    async def _answer(self, request: Request) -> Response:
        bridge, admission = self._bridge, self._bridge.admission
        one = self.by_method["GET" if request.method == "HEAD" else request.method]
        visit = visit_of(request.scope)
        visit.operation = one.name
        try:
            admission.enter(visit.caller, one.scope, one.lane)
            try:
                response = await one.handler(bridge, request)
            finally:
                admission.leave(one.lane)
            return response if one.method == "POST" else conditional(request, response)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads this
        except (OrketError, ActorsError) as error:
            if (held_s := admission.hold_back_s(error)) > 0.0:
                await anyio.sleep(held_s)
            return refusal(bridge, request, error)
