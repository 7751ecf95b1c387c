"""``/v1/memory``: what was remembered over all runs."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.keys import Scope
from orket.domain.memory import Memory, query_words
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import ASKS, READS, REQUEST_TIMEOUT, WITH_BODY, Answer, Operation, Parameter
from orket.interfaces.problems import CONFLICT, MEMORY_NOT_FOUND, not_found
from orket.interfaces.reading import T, read_json, read_query
from orket.orchestration.messages import AddMemory, ForgetMemory
from orket.wire.memory import ForgetBody, MemoriesFound, MemoryView, RememberBody, memory_view

QUERY_CHARS_MAX = 2_000
NUMBER_DIGITS_MAX = 18
NUMBER = Parameter(
    name="number",
    place="path",
    description="What is remembered: `seq` of the list.",
    schema=MappingProxyType({"type": "integer", "minimum": 1}),
)


class MemoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for."""

    q: Annotated[
        str,
        Meta(
            max_length=QUERY_CHARS_MAX,
            description="Words as they are, no sign has a meaning; without it the newest come first.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 20


async def search(bridge: Bridge, request: Request) -> Response:
    """Search what was remembered."""
    query = read_query(request, MemoryQuery)
    ledger = bridge.running.ledger
    found: tuple[Memory, ...] = ()
    # To the ledger no word means all; who asked for signs only did not ask for that.
    if not query.q or query_words(query.q):
        found = await ledger.recall(query.q, limit=query.limit)
    return json_response(MemoriesFound(memories=tuple(map(memory_view, found))))


async def remember(bridge: Bridge, request: Request) -> Response:
    """Put something into the memory."""
    body = await _read(bridge, request, RememberBody)
    memory = await bridge.ask(request, AddMemory(text=body.text, by=body.by))
    return json_response(memory_view(memory), status=201)


async def forget(bridge: Bridge, request: Request) -> Response:
    """Take something out of the memory."""
    name: str = request.path_params["number"]
    if not (name.isascii() and name.isdecimal() and len(name) <= NUMBER_DIGITS_MAX):
        raise not_found(MEMORY_NOT_FOUND, "number", name)
    body = await _read(bridge, request, ForgetBody)
    gone = ForgetMemory(number=int(name), by=body.by, reason=body.reason)
    return json_response(memory_view(await bridge.ask(request, gone)))


async def _read(bridge: Bridge, request: Request, kind: type[T]) -> T:
    limits = bridge.limits
    return await read_json(request, kind, bytes_max=limits.body_bytes, seconds_max=limits.body_s)


OPERATIONS = (
    Operation(
        name="addMemory",
        method="POST",
        path="/v1/memory",
        summary="Put something into the project's memory",
        description="It is recalled in later runs where its words fit. Secrets are refused.",
        handler=remember,
        body=RememberBody,
        answers=(Answer(status=201, description="Recorded; it can be recalled.", body=MemoryView),),
        parameters=(REQUEST_TIMEOUT,),
        problems=(*WITH_BODY, *ASKS, CONFLICT),
        tag="memory",
        scope=Scope.OPERATE,
    ),
    Operation(
        name="forgetMemory",
        method="POST",
        path="/v1/memory/{number}/forget",
        summary="Take something out of the project's memory",
        description="It is recalled no more. The ledger keeps what it was.",
        handler=forget,
        body=ForgetBody,
        answers=(Answer(status=200, description="Recorded; what it was.", body=MemoryView),),
        parameters=(NUMBER, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, MEMORY_NOT_FOUND),
        tag="memory",
        scope=Scope.OPERATE,
    ),
    Operation(
        name="searchMemory",
        method="GET",
        path="/v1/memory",
        summary="Search what was remembered over all runs",
        description="Upper case and accents do not matter; a text that holds no word of `q` is not found.",
        handler=search,
        query=MemoryQuery,
        answers=(Answer(status=200, description="The best match first.", body=MemoriesFound),),
        problems=READS,
        tag="memory",
    ),
)
