"""``/.well-known/api-catalog``: where a program that knows only this host begins to look."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.answers import root_path
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import Answer, Operation
from orket.wire.catalog import CATALOG_TYPE, ApiLinks, Catalog, Link
from orket.wire.codec import encode

PATH = "/.well-known/api-catalog"


async def catalog(bridge: Bridge, request: Request) -> Response:
    """Name the description, the documentation and the state of the API."""
    root = root_path(request)
    links = ApiLinks(
        anchor=f"{root}/v1",
        service_desc=(Link(href=f"{root}/openapi.json", type="application/json"),),
        service_doc=(Link(href=f"{root}/docs", type="text/html"),),
        status=(Link(href=f"{root}/readyz", type="application/json"),),
    )
    headers = {"link": f'<{root}{PATH}>; rel="api-catalog"'}
    return Response(encode(Catalog(linkset=(links,))), headers=headers, media_type=CATALOG_TYPE)


OPERATIONS = (
    Operation(
        name="getApiCatalog",
        method="GET",
        path=PATH,
        summary="Where the description and the documentation are",
        description="A link set (RFC 9727).",
        handler=catalog,
        answers=(
            Answer(
                status=200,
                description="The catalog.",
                body=Catalog,
                media_type=CATALOG_TYPE,
                headers=("Link",),
            ),
        ),
        tag="system",
        scope=None,
    ),
)
