"""What the bridge knows about one request, from the door to the answer; it lies in the ASGI scope."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from functools import lru_cache

import attrs
from starlette.types import Scope as AsgiScope

from orket.domain.keys import EVERYTHING, Scope
from orket.interfaces.departures import Departures

VISIT = "orket.visit"
LOCAL = "local"


@attrs.frozen
class Caller:
    """Who asks, and what they may do; ``source`` is what their rate is counted by, empty for no limit."""

    name: str
    scopes: frozenset[Scope]
    source: str


NOBODY = frozenset[Scope]()
OWNER = Caller(LOCAL, EVERYTHING, "")
"""Whoever comes over the Unix socket, which only the owner of the data directory can open."""


@attrs.define
class Visit:
    """One request under way; ``operation`` is named once the router has found it.

    ``given`` are the headers by lower-cased name, the last of equal ones.
    """

    request_id: str
    caller: Caller
    given: Mapping[bytes, bytes] = attrs.field(factory=dict)
    operation: str = ""
    departures: Departures = attrs.field(factory=lambda: Departures(math.inf))


def visit_of(scope: Mapping[str, object]) -> Visit:
    """Find the visit that an ASGI scope belongs to."""
    found = scope.get(VISIT)
    return found if isinstance(found, Visit) else Visit("", Caller("", NOBODY, ""))


def header(scope: Mapping[str, object], name: bytes) -> str | None:
    """Read a header that is given once; the door has picked them all in one walk."""
    found = visit_of(scope).given.get(name)
    return None if found is None else found.decode("latin-1")


def peer_of(scope: AsgiScope) -> str:
    """Name where a connection comes from: an address, or nothing when the server does not say."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def is_unix(scope: AsgiScope) -> bool:
    """Whether the connection came over a Unix socket: the server is named by a path and has no port."""
    server = scope.get("server")
    return server is not None and server[1] is None and str(server[0]).startswith("/")


def is_loopback(scope: AsgiScope) -> bool:
    """Whether the server was reached at a loopback address, which nobody else's machine can do."""
    server = scope.get("server")
    return server is not None and _loopback(str(server[0]))


@lru_cache(64)
def _loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
