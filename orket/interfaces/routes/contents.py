"""``/v1/ledger/contents/{content_id}``: what events refer to by its hash, such as prompts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.domain.identifiers import BlobId
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation, Parameter
from orket.interfaces.problems import BLOB_NOT_FOUND, not_found

TYPE = "application/octet-stream"
ID = Parameter(
    name="content_id", place="path", description="The SHA-256 of the content, as an event names it."
)


async def show(bridge: Bridge, request: Request) -> Response:
    """Send the content as it is; it never changes."""
    name: str = request.path_params["content_id"]
    found = await bridge.running.ledger.blob(BlobId(name))
    if found is None:
        raise not_found(BLOB_NOT_FOUND, "content_id", name)
    tag = f'"{name}"'
    headers = {
        "etag": tag,
        "cache-control": "private, max-age=31536000, immutable",
        # Whatever a model wrote must not run in a browser.
        "content-disposition": "attachment",
        "x-content-type-options": "nosniff",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found, headers=headers, media_type=TYPE)


OPERATIONS = (
    Operation(
        name="getContent",
        method="GET",
        path="/v1/ledger/contents/{content_id}",
        summary="Fetch a content that events refer to",
        description="Prompts and other large texts are stored once, under their hash.",
        handler=show,
        answers=(Answer(status=200, description="The bytes.", body=str, media_type=TYPE, headers=("ETag",)),),
        parameters=(ID,),
        problems=(*READS, BLOB_NOT_FOUND),
        tag="ledger",
    ),
)
