"""Conditional requests (RFC 9110): what a client has is not sent again, what has changed is not touched."""

from __future__ import annotations

import re
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.problems import CHANGED, INVALID, PRECONDITION_NEEDED, HttpRefusal
from orket.interfaces.visits import header
from orket.wire.problems import Fault

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_TAGS = re.compile(rf"{_TAG.pattern}(?:[ \t]*,[ \t]*{_TAG.pattern})*")
_SEQ = re.compile(r'"(?P<seq>[0-9]{1,18})"')
_DIGEST = re.compile(r'"[0-9a-f]{64}"')
_JSON = "application/json"


def conditional(request: Request, response: Response) -> Response:
    """Give a successful read its ``ETag``; a client that has it gets 304, one that means another gets 412.

    Raises:
        HttpRefusal: ``If-Match`` names another version, or is no list of tags.
    """
    if response.status_code != 200 or request.method not in ("GET", "HEAD"):
        return response
    headers = response.headers
    tag = headers.get("etag")
    if tag is None:
        if response.media_type != _JSON:
            return response
        tag = headers["etag"] = f'"{blake2b(response.body, digest_size=12).hexdigest()}"'
    headers["cache-control"] = "private, no-cache"
    given = request.headers
    if (wanted := given.get("if-match")) is not None and not _names(wanted, tag, "If-Match"):
        raise _changed(f"it is {tag} now")
    if (known := given.get("if-none-match")) is not None and _names(known, tag, "If-None-Match", weak=True):
        kept = {name: headers[name] for name in ("etag", "cache-control", "link") if name in headers}
        return Response(status_code=304, headers=kept)
    return response


def run_tag(last_seq: int) -> str:
    """Write the ``ETag`` of a run whose newest event has this number."""
    return f'"{last_seq}"'


def expected_seq(request: Request) -> int | None:
    """Read from ``If-Match`` which run a command means; None when any will do.

    Raises:
        HttpRefusal: It is no list of tags, or none that a run ever has.
    """
    wanted = header(request.scope, b"if-match")
    if wanted is None or wanted.strip() == "*":
        return None
    _tags(wanted, "If-Match")
    parsed = _SEQ.fullmatch(wanted.strip())
    if parsed is None:
        raise _changed("the ETag of a run is one number in quotes")
    return int(parsed["seq"])


def expected_content(request: Request) -> str:
    """Read which content of a file a command means: its SHA-256, ``*`` for any, empty for no file.

    Raises:
        HttpRefusal: It does not say, or not in a way that means anything.
    """
    wanted, unless = header(request.scope, b"if-match"), header(request.scope, b"if-none-match")
    if unless is not None and unless.strip() == "*" and wanted is None:
        return ""
    if unless is not None and wanted is not None:
        raise _changed("with If-None-Match it can never be")
    if unless is not None:
        fault = Fault(place="header", pointer="/If-None-Match", detail="must be *")
        raise HttpRefusal(INVALID, f"If-None-Match: {fault.detail}.", faults=[fault])
    if wanted is None:
        fault = Fault(place="header", pointer="/If-Match", detail="is needed")
        detail = (
            "Send If-Match with the ETag of the file that is replaced, or If-None-Match: * for a new one."
        )
        raise HttpRefusal(PRECONDITION_NEEDED, detail, faults=[fault])
    if wanted.strip() == "*":
        return "*"
    tags = _tags(wanted, "If-Match")
    if len(tags) != 1 or not _DIGEST.fullmatch(tags[0]):
        raise _changed("the ETag of a file is its SHA-256 in quotes")
    return tags[0].strip('"')


def _names(header: str, tag: str, name: str, *, weak: bool = False) -> bool:
    if header.strip() == "*":
        return True
    tags = _tags(header, name)
    return tag in ([one.removeprefix("W/") for one in tags] if weak else tags)


def _tags(header: str, name: str) -> list[str]:
    if not _TAGS.fullmatch(header.strip()):
        detail = f"{header[:100]!r} is neither a star nor a list of entity tags"
        fault = Fault(place="header", pointer=f"/{name}", detail=detail)
        raise HttpRefusal(INVALID, f"{name}: {fault.detail}", faults=[fault])
    return _TAG.findall(header)  # a comma may be part of a tag


def _changed(detail: str) -> HttpRefusal:
    fault = Fault(place="header", pointer="/If-Match", detail=detail)
    return HttpRefusal(CHANGED, f"If-Match names another version: {detail}.", faults=[fault])
