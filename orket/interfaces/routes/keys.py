"""``/v1/keys``: who may use the bridge. Keys are made on the machine itself: no answer has a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import anyio.to_thread
import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.keys import Scope
from orket.interfaces.answers import json_response, next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation, Parameter
from orket.interfaces.problems import KEY_NOT_FOUND, not_found
from orket.interfaces.reading import read_query
from orket.wire.keys import KeyPage, KeyView, key_view

ID = Parameter(name="key_id", place="path", description="The key's id, as the list names it.")


class KeysQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0


async def index(bridge: Bridge, request: Request) -> Response:
    """List the keys."""
    query = read_query(request, KeysQuery)
    found = bridge.running.keys.all()
    end = query.cursor + query.limit
    following = next_page(request, cursor=end) if len(found) > end else ""
    shown = tuple(key_view(one) for one in found[query.cursor : end])
    return page_response(KeyPage(keys=shown, next=following), following)


async def revoke(bridge: Bridge, request: Request) -> Response:
    """Have a key open nothing any more."""
    name: str = request.path_params["key_id"]
    keys = bridge.running.keys
    if all(one.id != name for one in keys.all()):
        raise not_found(KEY_NOT_FOUND, "key_id", name)
    revoked = await anyio.to_thread.run_sync(keys.revoke, name, datetime.now(UTC))
    if revoked is None:
        raise not_found(KEY_NOT_FOUND, "key_id", name)
    return json_response(key_view(revoked))


OPERATIONS = (
    Operation(
        name="listKeys",
        method="GET",
        path="/v1/keys",
        summary="List the keys of the bridge",
        handler=index,
        query=KeysQuery,
        answers=(Answer(status=200, description="A page.", body=KeyPage, headers=("Link",)),),
        problems=READS,
        tag="keys",
        scope=Scope.ADMIN,
    ),
    Operation(
        name="revokeKey",
        method="POST",
        path="/v1/keys/{key_id}/revoke",
        summary="Revoke a key",
        description="It opens nothing from the next request on.",
        handler=revoke,
        answers=(Answer(status=200, description="The key as it stands now.", body=KeyView),),
        parameters=(ID,),
        problems=(*READS, KEY_NOT_FOUND),
        tag="keys",
        scope=Scope.ADMIN,
    ),
)
