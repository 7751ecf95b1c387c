"""From an error to its problem document; the only place that knows the status codes of failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import attrs
from starlette.exceptions import HTTPException
from starlette.responses import Response

import actors
from orket.domain import errors as e
from orket.interfaces.answers import JsonAnswer
from orket.orchestration.messages import Refused
from orket.services.project_messages import ProjectRefused
from orket.wire.codec import encode
from orket.wire.errors import WireInvalid
from orket.wire.problems import PROBLEM_TYPE, Fault, Place, Problem


@attrs.frozen
class Kind:
    """A kind of problem: status, stable name, title for a person."""

    status: int
    name: str
    title: str

    @property
    def type(self) -> str:
        """The ``type`` member of the document."""
        return f"urn:orket:problem:{self.name}"


MALFORMED = Kind(400, "malformed-request", "The request cannot be read")
KEY_NEEDED = Kind(401, "key-needed", "A key is needed here")
BAD_KEY = Kind(401, "key-not-usable", "The key is not known, revoked or expired")
FORBIDDEN = Kind(403, "scope-missing", "The key does not allow this")
SIGNATURE_NEEDED = Kind(401, "signature-needed", "The delivery is not signed")
BAD_SIGNATURE = Kind(401, "bad-signature", "The signature is not good")
BODY_LATE = Kind(408, "body-too-slow", "The body did not arrive in time")
FOREIGN_ORIGIN = Kind(403, "foreign-origin", "Requests from other origins are not served")
NOT_FOUND = Kind(404, "not-found", "There is no such resource")
RUN_NOT_FOUND = Kind(404, "run-not-found", "There is no such run")
OPERATION_NOT_FOUND = Kind(404, "operation-not-found", "There is no such operation")
KEY_NOT_FOUND = Kind(404, "key-not-found", "There is no such key")
SANDBOX_NOT_FOUND = Kind(404, "sandbox-not-found", "There is no such sandbox")
SESSION_NOT_FOUND = Kind(404, "session-not-found", "There is no such conversation, message or proposal")
MEMORY_NOT_FOUND = Kind(404, "memory-not-found", "Nothing is remembered under this number")
CARD_NOT_FOUND = Kind(404, "card-not-found", "The run has no such card")
BLOB_NOT_FOUND = Kind(404, "blob-not-found", "There is no such content")
FILE_NOT_FOUND = Kind(404, "file-not-found", "There is no such file or folder")
PATH_REFUSED = Kind(403, "path-refused", "The path does not lie in the workspace, or is protected")
APPROVAL_NOT_FOUND = Kind(404, "approval-not-found", "Nothing waits under this name")
HOOK_OFF = Kind(404, "webhook-off", "This webhook is not set up")
METHOD = Kind(405, "method-not-allowed", "The resource does not offer this method")
CONFLICT = Kind(409, "conflict", "The state does not allow this command")
DENIED = Kind(409, "run-denied", "The admission rule refused the run")
CHANGED = Kind(412, "precondition-failed", "It is not what it was when you looked")
TOO_LARGE = Kind(413, "body-too-large", "The body is too large")
MEDIA_TYPE = Kind(415, "unsupported-media-type", "The body is not JSON")
FOREIGN_HOST = Kind(421, "foreign-host", "This host name is not served here")
INVALID = Kind(422, "invalid-request", "The request is not valid")
ASSET = Kind(422, "invalid-asset", "An asset file cannot be used")
UNPROCESSABLE = Kind(422, "unprocessable", "The command cannot be carried out as it is")
KEY_REUSED = Kind(422, "idempotency-conflict", "The idempotency key belongs to another command")
PRECONDITION_NEEDED = Kind(428, "precondition-needed", "Say which version you mean")
TOO_OFTEN = Kind(429, "too-many-requests", "The caller asks too often")
HEADERS_TOO_LARGE = Kind(431, "headers-too-large", "The headers are too large")
INTERNAL = Kind(500, "internal-error", "The server failed")
CRASHED = Kind(500, "engine-crashed", "The engine failed while carrying out the command")
OVERLOADED = Kind(503, "overloaded", "The engine has too much to do")
NOT_RUNNING = Kind(503, "engine-not-running", "The engine is not running")
STORE = Kind(503, "store-unavailable", "The ledger cannot be used")
SANDBOX = Kind(503, "sandbox-unavailable", "No sandbox can be used")
CONNECTIONS = Kind(503, "too-many-connections", "Too many connections are open")
STREAMS = Kind(503, "too-many-streams", "Too many event streams are open")
DEADLINE = Kind(504, "deadline-passed", "The engine did not answer in time")

# The nearest class of an error's ancestry decides.
_KINDS: Mapping[type[BaseException], Kind] = MappingProxyType(
    {
        e.OrketError: INTERNAL,
        e.SettingsError: UNPROCESSABLE,
        e.AssetError: ASSET,
        e.CardError: UNPROCESSABLE,
        e.StateMachineError: CONFLICT,
        e.RunError: UNPROCESSABLE,
        e.RunNotFound: RUN_NOT_FOUND,
        e.RunConflict: CONFLICT,
        e.SessionNotFound: SESSION_NOT_FOUND,
        e.SessionConflict: CONFLICT,
        e.RunDenied: DENIED,
        e.RunChanged: CHANGED,
        e.IdempotencyConflict: KEY_REUSED,
        e.ModelError: UNPROCESSABLE,
        e.ToolError: UNPROCESSABLE,
        e.McpError: UNPROCESSABLE,
        e.SandboxError: SANDBOX,
        e.SandboxNotFound: SANDBOX_NOT_FOUND,
        e.MemoryNotFound: MEMORY_NOT_FOUND,
        e.SandboxConflict: CONFLICT,
        e.StackUnsupported: UNPROCESSABLE,
        e.ForgeError: OVERLOADED,
        e.StoreError: STORE,
        WireInvalid: INVALID,
        actors.ActorsError: INTERNAL,
        actors.NotRunning: NOT_RUNNING,
        actors.MailboxFull: OVERLOADED,
        actors.AskTimeout: DEADLINE,
        actors.NoReply: NOT_RUNNING,
        actors.Crashed: CRASHED,
    }
)
# Where the fault lies with what was sent, and nobody closer to it can say so.
_PLACES: Mapping[type[e.OrketError], tuple[Place, str]] = MappingProxyType(
    {
        e.RunNotFound: ("path", "/run_id"),
        e.SessionNotFound: ("path", "/session_id"),
        e.RunChanged: ("header", "/If-Match"),
        e.CardNotFound: ("body", "/target"),
        e.SandboxNotFound: ("path", "/sandbox_id"),
        e.MemoryNotFound: ("path", "/number"),
        e.StackUnsupported: ("body", "/stack"),
        e.DependencyCycle: ("body", "/target"),
        e.IdempotencyConflict: ("header", "/Idempotency-Key"),
    }
)
RETRY_AFTER_S = MappingProxyType({429: 1, 503: 5})

_BY_STATUS = MappingProxyType({one.status: one for one in (NOT_FOUND, METHOD, MALFORMED)})

# What the runtime says is for its operators; a caller needs to know whether it may send again.
_DELIVERY = MappingProxyType(
    {
        NOT_RUNNING: "It was not asked, or stopped before it answered; look before you repeat the command.",
        OVERLOADED: "The command was certainly not handled; repeat it later.",
        DEADLINE: "The command may still be carried out; look before you repeat it.",
        CRASHED: "The command may have been carried out; look before you repeat it.",
    }
)


class HttpRefusal(e.OrketError):
    """The bridge itself refuses a request, before the engine sees it."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.faults, self.headers = kind, tuple(faults), dict(headers or {})


def kind_of(error: BaseException) -> Kind:
    """Name the kind of problem an error is; what nobody foresaw is an internal one."""
    if isinstance(error, HttpRefusal):
        return error.kind
    if isinstance(error, WireInvalid) and error.malformed:
        return MALFORMED
    return _kind_of_classes(type(error).__mro__)


@lru_cache(256)
def _kind_of_classes(ancestry: tuple[type, ...]) -> Kind:
    return next((_KINDS[one] for one in ancestry if one in _KINDS), INTERNAL)


@lru_cache(256)
def _place_of_classes(ancestry: tuple[type, ...]) -> tuple[Place, str] | None:
    return next((_PLACES[one] for one in ancestry if one in _PLACES), None)


def problem_of(error: BaseException, *, instance: str = "", request_id: str = "") -> Problem:
    """Describe an error to a caller; an unforeseen one without its internals."""
    if isinstance(error, Refused | ProjectRefused):
        error = error.error
    kind = kind_of(error)
    known = isinstance(error, e.OrketError)
    detail = error.detail if isinstance(error, e.OrketError) else _DELIVERY.get(kind, f"{kind.title}.")
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=instance,
        errors=_faults(error) or _whole(detail),
        allowed=tuple(getattr(error, "allowed", ())) if known else (),
        request_id=request_id,
    )


def http_problem(error: HTTPException, *, instance: str = "", request_id: str = "") -> Problem:
    """Describe what the router refuses: 404 and 405, in practice."""
    kind = _BY_STATUS.get(error.status_code) or Kind(error.status_code, "http-error", error.detail)
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=f"{kind.title}.",
        instance=instance,
        errors=_router_faults(error) or _whole(f"{kind.title}."),
        request_id=request_id,
    )


def headers_of(error: BaseException) -> dict[str, str]:
    """List the headers that go with a problem; who may come back is told when."""
    headers = dict(error.headers) if isinstance(error, HttpRefusal) else {}
    status = kind_of(error.error if isinstance(error, Refused | ProjectRefused) else error).status
    if status in RETRY_AFTER_S:
        headers.setdefault("retry-after", str(RETRY_AFTER_S[status]))
    return headers


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Make the response that carries a problem."""
    return ProblemAnswer(encode(problem), problem.status, headers)


class ProblemAnswer(JsonAnswer):
    """A problem document, which nobody keeps."""

    common = ((b"content-type", PROBLEM_TYPE.encode()), (b"cache-control", b"no-store"))


def not_found(kind: Kind, parameter: str, name: str) -> HttpRefusal:
    """Refuse a path that names nothing; ``parameter`` is the part of it that is wrong."""
    detail = f"{name[:100]!r} names nothing here"
    return HttpRefusal(kind, detail, faults=[Fault(place="path", pointer=f"/{parameter}", detail=detail)])


def _faults(error: BaseException) -> tuple[Fault, ...]:
    if isinstance(error, HttpRefusal | WireInvalid):
        return error.faults
    if isinstance(error, e.AssetError):
        return (Fault(place="asset", file=error.file, pointer=error.pointer, detail=error.reason),)
    place = _place_of_classes(type(error).__mro__)
    if place is None:
        return ()
    return (Fault(place=place[0], pointer=place[1], detail=str(error)),)


def _whole(detail: str) -> tuple[Fault, ...]:
    """Where no part of the request is at fault, it is the request that was not carried out."""
    return (Fault(place="request", pointer="", detail=detail),)


def _router_faults(error: HTTPException) -> tuple[Fault, ...]:
    if error.status_code == METHOD.status:
        return (Fault(place="method", pointer="", detail="see the header Allow"),)
    if error.status_code == NOT_FOUND.status:
        return (Fault(place="path", pointer="", detail="no route is like this"),)
    return ()
