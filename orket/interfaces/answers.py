"""Making responses, and the paths they point to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from orket.wire.codec import encode

T = TypeVar("T")
JSON_TYPE = "application/json"


class JsonAnswer(Response):
    """A JSON body; its headers are put together once, as what makes up most answers."""

    media_type = JSON_TYPE
    common: tuple[tuple[bytes, bytes], ...] = ((b"content-type", JSON_TYPE.encode()),)

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.background, self.body = status, None, body
        raw = [_LENGTH[len(body)] if len(body) < len(_LENGTH) else _length(len(body)), *self.common]
        for name, text in (headers or {}).items():
            raw.append((name.lower().encode("latin-1"), text.encode("latin-1")))
        self.raw_headers = raw


def _length(count: int) -> tuple[bytes, bytes]:
    return (b"content-length", b"%d" % count)


_LENGTH = tuple(map(_length, range(1024)))


def json_response(
    value: msgspec.Struct, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a wire value; a read gets what caches must know from ``conditional``."""
    return JsonAnswer(encode(value), status, headers)


def page_response(value: msgspec.Struct, next_path: str) -> Response:
    """Answer with a page; ``Link`` leads to the next one, if there is one."""
    return json_response(value, headers={"link": f'<{next_path}>; rel="next"'} if next_path else None)


def run_path(request: Request, run_id: str) -> str:
    """Name a run's resource, also when the app is mounted below another."""
    return f"{root_path(request)}/v1/runs/{quote(run_id, safe='')}"


def operation_path(request: Request, name: str) -> str:
    """Name an operation's resource."""
    return f"{root_path(request)}/v1/operations/{quote(name, safe='')}"


def next_page(request: Request, **changes: object) -> str:
    """Name the page after the one asked for: the same query with another cursor."""
    query = {**request.query_params, **{name: str(value) for name, value in changes.items()}}
    return f"{quote(request.url.path)}?{urlencode(query)}"


def root_path(request: Request) -> str:
    """Name what the app is mounted below, without a slash at the end."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


def one_page(request: Request, found: Sequence[T], *, cursor: int, limit: int) -> tuple[Sequence[T], str]:
    """Cut a page out of a list, and name the page after it, empty when there is none."""
    end = cursor + limit
    return found[cursor:end], next_page(request, cursor=end) if len(found) > end else ""
