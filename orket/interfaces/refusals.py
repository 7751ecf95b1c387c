"""Answering what cannot be carried out, on every way in."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import Response

import actors
from orket.interfaces.bridge import Bridge
from orket.interfaces.problems import headers_of, problem_of, problem_response
from orket.interfaces.visits import visit_of


def refusal(bridge: Bridge, request: HTTPConnection, error: BaseException) -> Response:
    """Answer with the problem that an error is; who was shed is told when to come back."""
    headers = headers_of(error)
    if isinstance(error, actors.MailboxFull):
        headers["retry-after"] = str(bridge.retry_after_s())
    return problem_response(problem_of(error, **about(request)), headers)


def about(request: HTTPConnection) -> dict[str, str]:
    """Say which request a problem is about."""
    return {"instance": quote(request.scope["path"]), "request_id": visit_of(request.scope).request_id}
