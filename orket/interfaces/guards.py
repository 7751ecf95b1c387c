"""Pure ASGI around the whole app: every request has an id, and only the right host and origin get in.

A page in a browser can send requests to a server on loopback, and a DNS name of the attacker can point
there. So the ``Host`` must be one that is served, and an ``Origin``, if there is one, must be that host.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orket.decision_nodes.api_runtime import ANY_HOST
from orket.interfaces.problems import (
    FOREIGN_HOST,
    FOREIGN_ORIGIN,
    HttpRefusal,
    problem_of,
    problem_response,
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?P<port>:[0-9]{1,5})?")


class RequestIds:
    """Give each request an id (the caller's own, if it is a decent one) and send it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


class HostGuard:
    """Serve only the hosts allowed, and only pages that came from there.

    Args:
        app: The app to guard.
        allowed_hosts: Lists the hosts, lower-cased, with or without a port, or ``*`` for any; asked per
            request because the engine whose node decides may start after the app was made.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Callable[[], frozenset[str]]) -> None:
        self.app = app
        self.allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or (refusal := self._refusal(Headers(scope=scope))) is None:
            await self.app(scope, receive, send)
            return
        request_id = scope.get("state", {}).get("request_id", "")
        problem = problem_of(refusal, instance=scope["path"], request_id=request_id)
        await problem_response(problem)(scope, receive, send)

    def _refusal(self, headers: Headers) -> HttpRefusal | None:
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        parsed = _HOST.fullmatch(host)
        if parsed is None or not {ANY_HOST, host, parsed["name"]} & self.allowed_hosts():
            return HttpRefusal(FOREIGN_HOST, f"{host[:200]!r} is not among the hosts that are served.")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return HttpRefusal(FOREIGN_ORIGIN, f"A page of {origin[:200]!r} may not use this server.")
        return None
