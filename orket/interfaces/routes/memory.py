"""``/v1/memory``: what was remembered over all runs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.memory import Memory, query_words
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation
from orket.interfaces.reading import read_query
from orket.wire.memory import MemoriesFound, memory_view

QUERY_CHARS_MAX = 2_000


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


OPERATIONS = (
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
