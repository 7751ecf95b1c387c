"""Reading a request: its body, query and headers, each bounded and each with errors that name the place."""

from __future__ import annotations

import math
from typing import TypeVar

from starlette.requests import ClientDisconnect, HTTPConnection, Request

from orket.domain.ports import CommandKey
from orket.interfaces.problems import BODY_LATE, INVALID, MEDIA_TYPE, TOO_LARGE, HttpRefusal
from orket.interfaces.protocol import ARRIVED
from orket.interfaces.visits import header, visit_of
from orket.wire.codec import convert, decode, fingerprint
from orket.wire.problems import Fault

T = TypeVar("T")

_JSON = "application/json"
KEY_CHARS_MAX = 255
DEADLINE_MIN_S = 0.1
SEQ_MAX = 2**63 - 1
SEQ_DIGITS = len(str(SEQ_MAX))


async def read_json(request: Request, kind: type[T], *, bytes_max: int, seconds_max: float) -> T:
    """Read the body as ``kind``; a body that is empty counts as an empty object.

    Raises:
        HttpRefusal: It is too large, too slow, or says that it is not JSON.
        WireInvalid: It is not of that shape.
    """
    body = await read_bytes(request, bytes_max=bytes_max, seconds_max=seconds_max)
    if body:
        _require_json(request)
    return decode(kind, body or b"{}")


def read_query(request: HTTPConnection, kind: type[T]) -> T:
    """Read the query as ``kind``.

    Raises:
        WireInvalid: It is not of that shape.
        HttpRefusal: A parameter is given twice.
    """
    given = dict(request.query_params)
    if len(given) < len(request.query_params.multi_items()):
        twice = next(name for name in given if len(request.query_params.getlist(name)) > 1)
        fault = Fault(place="query", pointer=f"/{twice}", detail="is given more than once")
        raise HttpRefusal(INVALID, f"{twice[:100]!r} is given more than once.", faults=[fault])
    return convert(kind, given, "query")


def deadline_s(request: Request, default_s: float, max_s: float) -> float:
    """Read how long the caller will wait, from ``Request-Timeout`` in seconds.

    Raises:
        HttpRefusal: It is not a number of seconds, or too small for any answer.
    """
    text = header(request.scope, b"request-timeout")
    if text is None:
        return default_s
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not DEADLINE_MIN_S <= seconds < math.inf:
        raise _bad_header("Request-Timeout", f"seconds, at least {DEADLINE_MIN_S:g}", text)
    return min(seconds, max_s)


def command_key(request: Request, body: object) -> CommandKey | None:
    """Read ``Idempotency-Key``; the fingerprint covers the path and what the body means, not its spelling.

    Raises:
        HttpRefusal: The key is empty, too long or not printable ASCII.
    """
    key = header(request.scope, b"idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= KEY_CHARS_MAX or not (key.isascii() and key.isprintable()):
        raise _bad_header("Idempotency-Key", f"1 to {KEY_CHARS_MAX} printable ASCII characters", key)
    return CommandKey(key=key, fingerprint=fingerprint(request.method, request.url.path, body))


def last_event_id(request: HTTPConnection) -> int | None:
    """Read ``Last-Event-ID``, which a client sends when it comes back.

    Raises:
        HttpRefusal: It is not a sequence number.
    """
    text = request.headers.get("last-event-id")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise _bad_header("Last-Event-ID", "a sequence number", text)
    return SEQ_MAX if len(text) > SEQ_DIGITS else min(int(text), SEQ_MAX)


async def read_bytes(request: Request, *, bytes_max: int, seconds_max: float) -> bytes:
    """Read the body as it comes, and no further than it may go.

    Raises:
        HttpRefusal: It is too large, or too slow.
        ClientDisconnect: The client has left.
    """
    declared = header(request.scope, b"content-length") or "0"
    if declared.isdecimal() and int(declared) > bytes_max:
        raise _too_large(bytes_max)
    if ARRIVED in request.scope:
        return await _pieces(request, bytes_max)
    departures = visit_of(request.scope).departures
    body = await departures.within(seconds_max, lambda: _pieces(request, bytes_max))
    if body is not None:
        return body
    detail = f"It must arrive within {seconds_max:g} s."
    fault = Fault(place="body", pointer="", detail=detail)
    raise HttpRefusal(BODY_LATE, detail, faults=[fault], headers={"connection": "close"})


async def _pieces(request: Request, bytes_max: int) -> bytes:
    pieces: list[bytes] = []
    read_bytes, receive = 0, request.receive
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece: bytes = message.get("body", b"")
        read_bytes += len(piece)
        if read_bytes > bytes_max:
            raise _too_large(bytes_max)
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


def _require_json(request: Request) -> None:
    media_type = header(request.scope, b"content-type") or ""
    if media_type != _JSON:  # said in the usual way, most times
        media_type = media_type.partition(";")[0].strip().lower()
    if media_type != _JSON:
        fault = Fault(place="header", pointer="/Content-Type", detail="must be application/json")
        raise HttpRefusal(
            MEDIA_TYPE,
            f"Send the body with Content-Type: application/json, not {media_type or 'without one'}.",
            faults=[fault],
            headers={"accept": "application/json"},
        )
    if (coding := (header(request.scope, b"content-encoding") or "identity").strip().lower()) != "identity":
        fault = Fault(place="header", pointer="/Content-Encoding", detail="must be left out")
        raise HttpRefusal(MEDIA_TYPE, f"Content-Encoding {coding} is not supported.", faults=[fault])


def _too_large(bytes_max: int) -> HttpRefusal:
    # The rest of the body is not read, so the connection cannot be used again.
    detail = f"A body has at most {bytes_max} bytes."
    fault = Fault(place="body", pointer="", detail=detail)
    return HttpRefusal(TOO_LARGE, detail, faults=[fault], headers={"connection": "close"})


def _bad_header(name: str, wanted: str, got: str) -> HttpRefusal:
    fault = Fault(place="header", pointer=f"/{name}", detail=f"must be {wanted}, not {got[:100]!r}")
    return HttpRefusal(INVALID, f"{name}: {fault.detail}", faults=[fault])
