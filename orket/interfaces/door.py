"""The door of the bridge, pure ASGI: every request gets an id, and only who may come in does.

In this order: the headers are bounded; the ``Host`` is one that is served; an ``Origin`` is that host (a page
in a browser can send requests to a server on loopback, and a DNS name of an attacker can point there); the
key, if one is sent, is right. What a caller may do, and how often, is asked when the router knows what is
wanted (``admission``).
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orket.decision_nodes.api_runtime import ANY_HOST
from orket.domain.correlation import REQUEST, Origin
from orket.domain.errors import OrketError
from orket.domain.keys import EVERYTHING, granted, matching
from orket.interfaces.bridge import Bridge
from orket.interfaces.problems import (
    BAD_KEY,
    CONNECTIONS,
    FOREIGN_HOST,
    FOREIGN_ORIGIN,
    HEADERS_TOO_LARGE,
    TOO_OFTEN,
    HttpRefusal,
    headers_of,
    problem_of,
    problem_response,
)
from orket.interfaces.rates import retry_after
from orket.interfaces.table import Table
from orket.interfaces.visits import LOCAL, NOBODY, OWNER, VISIT, Caller, Visit, is_loopback, is_unix, peer_of
from orket.wire.problems import Fault

_STARTS = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?P<port>:[0-9]{1,5})?")
_SWITCHED = 101

Given = Mapping[bytes, bytes]


class Door:
    """Lets requests and WebSockets in, and counts how they ended.

    Args:
        app: What is behind the door.
        table: Its routes. What they serve is called at once, without the framework's layers in between.
        bridge: Knows the hosts, the keys and the limits; asked per request, because the engine may start
            after the app was made.
    """

    def __init__(self, app: ASGIApp, table: Table, bridge: Bridge) -> None:
        self.app, self._table, self._bridge = app, table, bridge
        self._ids, self._numbers = os.urandom(8).hex(), itertools.count()
        self._served: tuple[str, frozenset[str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        given, hosts, header_bytes = _read(scope["headers"])
        origin = self._origin(given)
        visit = scope[VISIT] = Visit(origin.request_id, _STRANGER, given, "", self._bridge.departures)
        mark = (b"x-request-id", origin.request_id.encode())
        status, began = 500, time.perf_counter()

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = message.get("status", _SWITCHED)
                message["headers"] = [*message.get("headers", ()), mark]
            await send(message)

        held = REQUEST.set(origin)
        try:
            try:
                self._check(hosts, header_bytes, given)
                visit.caller = self._caller(scope, given)
            except OrketError as error:
                about = problem_of(error, instance=scope["path"], request_id=origin.request_id)
                await problem_response(about, headers_of(error))(scope, receive, send_marked)
            else:
                await (self._table.find(scope) or self.app)(scope, receive, send_marked)
        finally:
            REQUEST.reset(held)
            self._bridge.meter.ended(visit.operation, status, time.perf_counter() - began)

    def _origin(self, given: Given) -> Origin:
        sent = given.get(b"x-request-id")
        known = sent is not None and _REQUEST_ID.fullmatch(sent) is not None
        request_id = sent.decode() if sent and known else f"{self._ids}{next(self._numbers):016x}"
        trace = given.get(b"traceparent")
        return Origin(
            request_id, trace.decode() if trace is not None and _TRACEPARENT.fullmatch(trace) else ""
        )

    def _check(self, hosts: int, header_bytes: int, given: Given) -> None:
        bridge = self._bridge
        if header_bytes > bridge.limits.header_bytes:
            detail = f"All headers together: at most {bridge.limits.header_bytes} bytes."
            raise HttpRefusal(HEADERS_TOO_LARGE, detail, faults=[_fault("", detail)])
        if bridge.connections() > bridge.limits.connections:
            headers = {"retry-after": "1", "connection": "close"}
            raise HttpRefusal(CONNECTIONS, f"{bridge.limits.connections} are open.", headers=headers)
        host = given.get(b"host", b"").decode("latin-1").lower() if hosts == 1 else ""
        if not self._serves(host):
            detail = f"{host[:200]!r} is not among the hosts that are served."
            raise HttpRefusal(FOREIGN_HOST, detail, faults=[_fault("Host", detail)])
        if (sent := given.get(b"origin")) is not None:
            page = sent.decode("latin-1").lower()
            if page not in (f"http://{host}", f"https://{host}"):
                detail = f"A page of {page[:200]!r} may not use this server."
                raise HttpRefusal(FOREIGN_ORIGIN, detail, faults=[_fault("Origin", detail)])

    def _serves(self, host: str) -> bool:
        allowed = self._bridge.allowed_hosts()
        if (host, allowed) == self._served:
            return True  # who is asked again under the same name needs no parsing
        parsed = _HOST.fullmatch(host)
        serves = parsed is not None and bool({ANY_HOST, host, parsed["name"]} & allowed)
        if serves:
            self._served = host, allowed
        return serves

    def _caller(self, scope: Scope, given: Given) -> Caller:
        if is_unix(scope):
            return OWNER
        peer = peer_of(scope)
        if (sent := given.get(b"authorization")) is not None:
            return self._holder(sent, peer)
        if is_loopback(scope) and not self._bridge.require_key:
            return Caller(LOCAL, EVERYTHING, peer)
        return Caller("", NOBODY, peer)

    def _holder(self, sent: bytes, peer: str) -> Caller:
        kind, _, token = sent.decode("latin-1").partition(" ")
        known = self._bridge.keys() if kind.lower() == "bearer" else ()
        key = matching(known, token.strip(), datetime.now(UTC))
        if key is not None:
            return Caller(key.name, granted(key.scopes), f"key {key.id}")
        if (wait_s := self._bridge.admission.failed_too_often(peer)) > 0.0:
            raise HttpRefusal(TOO_OFTEN, "Too many wrong keys.", headers={"retry-after": retry_after(wait_s)})
        raise HttpRefusal(
            BAD_KEY,
            "Send Authorization: Bearer and a key that `orket keys list` shows as usable.",
            faults=[_fault("Authorization", "is no key that is good here")],
            headers={"www-authenticate": 'Bearer realm="orket", error="invalid_token"'},
        )


_STRANGER = Caller("", NOBODY, "")


def _read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[Given, int, int]:
    """Pick the headers by name, count the hosts, and measure all of them: one walk over them."""
    found: dict[bytes, bytes] = {}
    hosts = header_bytes = 0
    for name, value in headers:
        header_bytes += len(name) + len(value)
        hosts += name == b"host"
        found[name] = value
    return found, hosts, header_bytes


def _fault(header: str, detail: str) -> Fault:
    return Fault(place="header", pointer=f"/{header}" if header else "", detail=detail)
