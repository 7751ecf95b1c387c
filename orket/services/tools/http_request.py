"""``http_request``: one request to a web server. Closed unless the house opens it, address by address."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from orket.domain.errors import ToolError
from orket.domain.ports import WebClient
from orket.domain.tools import Finding, Permission, Recovery, ToolResult
from orket.domain.web import WebRequest, WebResponse
from orket.services.tools.tool import Arguments, Probed, Tool, ToolContext, bounded, declare, done
from orket.services.tools.workbench import Workbench

NAME = "http_request"
BODY_BYTES_MAX = 1_000_000
HEADERS_MAX = 32
_SAFE = frozenset({"GET", "HEAD"})
# Who the request is for and how it is framed is not a seat's to say.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)
_TOLD = ("content-type", "location", "retry-after", "etag", "last-modified", "link")


class HttpRequestArguments(Arguments):
    """What to ask of whom."""

    url: Annotated[str, Meta(min_length=1, description="Address, such as https://example.org/path?query.")]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], Meta(description="What to do there.")
    ] = "GET"
    headers: Annotated[
        dict[str, str], Meta(description="Headers by name, such as Accept or Content-Type.")
    ] = msgspec.field(default_factory=dict)
    body: Annotated[str, Meta(description="Text to send.")] = ""
    timeout_s: Annotated[float, Meta(ge=1, le=120, description="Seconds it may take.")] = 30.0


def http_request_tool(web: WebClient) -> Tool[HttpRequestArguments]:
    """Make the tool over a way into the web."""

    async def http_request(
        args: HttpRequestArguments, context: ToolContext, workbench: Workbench
    ) -> ToolResult:
        answer = await web.fetch(_request(args))
        headers = dict(answer.headers)
        return done(
            status=answer.status,
            headers={name: headers[name] for name in _TOLD if name in headers},
            body=_body(answer),
            truncated=answer.truncated,
        )

    return declare(
        http_request,
        HttpRequestArguments,
        name=NAME,
        description="Send one HTTP request to an address that the house allows; redirects are not followed.",
        permissions=(Permission.NETWORK,),
        recovery=Recovery.PROBE,
        url_arguments=("url",),
        probe=_probe,
    )


async def _probe(args: HttpRequestArguments, context: ToolContext, workbench: Workbench) -> Probed:
    """Reading changes nothing, so it may be done again; of the rest nobody here can know."""
    if args.method in _SAFE:
        evidence = f"{args.method} only reads, so it may be sent again"
        return Probed(finding=Finding.DID_NOT_HAPPEN, evidence=evidence)
    return Probed(finding=Finding.UNKNOWN, evidence=f"{args.method} {args.url} may have been answered")


def _request(args: HttpRequestArguments) -> WebRequest:
    body = args.body.encode()
    if len(body) > BODY_BYTES_MAX:
        raise ToolError(f"/body: {len(body)} bytes, at most {BODY_BYTES_MAX}", code="too_large")
    if args.method in _SAFE and body:
        raise ToolError(f"/body: {args.method} sends none", code="bad_arguments")
    if len(args.headers) > HEADERS_MAX:
        raise ToolError(f"/headers: at most {HEADERS_MAX}", code="bad_arguments")
    for name, value in args.headers.items():
        _require_header(name, value)
    return WebRequest(
        method=args.method,
        url=args.url,
        headers=tuple(args.headers.items()),
        body=body,
        timeout_s=args.timeout_s,
    )


def _require_header(name: str, value: str) -> None:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    if not plain or name.lower() in _OURS or name.lower().startswith("proxy-"):
        raise ToolError(f"/headers/{name}: cannot be set", code="bad_arguments", hint="leave it out")
    if not value.isascii() or not value.isprintable():
        raise ToolError(f"/headers/{name}: printable ASCII only", code="bad_arguments")


def _body(answer: WebResponse) -> str:
    try:
        return bounded(answer.body.decode())
    except UnicodeDecodeError as error:
        if answer.truncated and error.start > len(answer.body) - 4:
            return bounded(answer.body[: error.start].decode())
        return f"({len(answer.body)} bytes that are no UTF-8 text)"
