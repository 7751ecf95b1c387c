"""``/v1/sessions``: conversations with a driver, whose proposals become the engine's own commands."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import anyio
import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.conversations import Exchange, Session, fold
from orket.domain.errors import SessionNotFound
from orket.domain.identifiers import SESSIONS
from orket.domain.keys import Scope
from orket.domain.ports import LedgerReader
from orket.interfaces.answers import json_response, one_page, page_response, root_path
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import (
    ASKS,
    IDEMPOTENCY_KEY,
    PREFER,
    READS,
    REQUEST_TIMEOUT,
    WITH_BODY,
    Answer,
    Operation,
    Parameter,
)
from orket.interfaces.preferences import applied, wait_s
from orket.interfaces.problems import CONFLICT, KEY_REUSED, RUN_NOT_FOUND, SESSION_NOT_FOUND, UNPROCESSABLE
from orket.interfaces.reading import T, command_key, read_json, read_query
from orket.orchestration.messages import AcceptProposal, OpenSession, SaySomething
from orket.wire.sessions import (
    AcceptBody,
    MessagePage,
    MessageView,
    OpenSessionBody,
    SayBody,
    SessionPage,
    SessionView,
    message_view,
    session_view,
)

PAGE = 1000
DIGITS_MAX = 6
SESSION_ID = Parameter(name="session_id", place="path", description="The session's id.")
NUMBER = Parameter(
    name="number",
    place="path",
    description="The message, from 1.",
    schema={"type": "integer", "minimum": 1, "maximum": 999_999},
)
INDEX = Parameter(
    name="index",
    place="path",
    description="The proposal of the message's answer, from 0.",
    schema={"type": "integer", "minimum": 0, "maximum": 999},
)


class SessionsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which to list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[int, Meta(ge=0, description="Taken from the previous page's `next`.")] = 0


async def begin(bridge: Bridge, request: Request) -> Response:
    """Begin a conversation."""
    body = await _read(bridge, request, OpenSessionBody)
    session = await bridge.ask_session(
        request, OpenSession(by=body.by, model=body.model, key=command_key(request, body))
    )
    where = f"{root_path(request)}/v1/sessions/{session.id}"
    return json_response(session_view(session), status=201, headers={"location": where})


async def index(bridge: Bridge, request: Request) -> Response:
    """List the conversations."""
    query = read_query(request, SessionsQuery)
    newest = tuple(reversed((await _sessions(bridge.running.ledger)).values()))
    shown, following = one_page(request, newest, cursor=query.cursor, limit=query.limit)
    return page_response(SessionPage(sessions=tuple(map(session_view, shown)), next=following), following)


async def show(bridge: Bridge, request: Request) -> Response:
    """Show one conversation."""
    return json_response(session_view(await _find(bridge, request)))


async def messages(bridge: Bridge, request: Request) -> Response:
    """List what was said."""
    query = read_query(request, SessionsQuery)
    found = (await _find(bridge, request)).exchanges
    shown, following = one_page(request, found, cursor=query.cursor, limit=query.limit)
    return page_response(MessagePage(messages=tuple(map(message_view, shown)), next=following), following)


async def say(bridge: Bridge, request: Request) -> Response:
    """Say something; answered when it is recorded, or with the driver's answer if the caller waits."""
    body = await _read(bridge, request, SayBody)
    said = SaySomething(
        session_id=request.path_params["session_id"],
        by=body.by,
        text=body.text,
        key=command_key(request, body),
    )
    one, seconds = await bridge.ask_session(request, said), wait_s(request, bridge.limits.wait_max_s)
    if seconds is not None and one.answered is None:
        ledger = bridge.running.ledger
        one = await bridge.departures.unless_left(request.receive, lambda: _answered(ledger, one, seconds))
    headers = dict(applied(seconds))
    if one.answered is not None:
        return json_response(message_view(one), headers=headers)
    query = urlencode({"cursor": one.heard.number - 1, "limit": 1})
    where = f"{root_path(request)}/v1/sessions/{one.heard.session_id}/messages?{query}"
    return json_response(
        message_view(one), status=202, headers={**headers, "location": where, "retry-after": "1"}
    )


async def _answered(ledger: LedgerReader, one: Exchange, seconds: float) -> Exchange:
    """Wait until the driver has answered, or until the time is over."""
    heard, newest = one.heard, 0
    with anyio.move_on_after(seconds):
        while one.answered is None:
            newest = await ledger.wait(newest, SESSIONS)
            one = (await _sessions(ledger))[heard.session_id].exchanges[heard.number - 1]
    return one


async def accept(bridge: Bridge, request: Request) -> Response:
    """Have a proposal carried out."""
    body, given = await _read(bridge, request, AcceptBody), request.path_params
    accepted = AcceptProposal(
        session_id=given["session_id"],
        number=_counted(given["number"]),
        index=_counted(given["index"]),
        by=body.by,
    )
    return json_response(message_view(await bridge.ask_session(request, accepted)))


def _counted(text: str) -> int:
    """Read a number of the path; what is none names nothing."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX else -1


async def _find(bridge: Bridge, request: Request) -> Session:
    session_id: str = request.path_params["session_id"]
    found = (await _sessions(bridge.running.ledger)).get(session_id)
    if found is None:
        raise SessionNotFound(f"no session has the id {session_id[:100]!r}")
    return found


async def _sessions(ledger: LedgerReader) -> dict[str, Session]:
    sessions: dict[str, Session] = {}
    after = 0
    while page := await ledger.read(SESSIONS, after=after, limit=PAGE):
        sessions = fold((one.event for one in page), sessions)
        after = page[-1].seq
    return sessions


async def _read(bridge: Bridge, request: Request, kind: type[T]) -> T:
    limits = bridge.limits
    return await read_json(request, kind, bytes_max=limits.body_bytes, seconds_max=limits.body_s)


OPERATIONS = (
    Operation(
        name="openSession",
        method="POST",
        path="/v1/sessions",
        summary="Begin a conversation with a driver",
        description="A model that helps to run things. It only proposes; whoever accepts it commands.",
        handler=begin,
        body=OpenSessionBody,
        answers=(Answer(status=201, description="Begun.", body=SessionView, headers=("Location",)),),
        parameters=(IDEMPOTENCY_KEY, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, UNPROCESSABLE, CONFLICT, KEY_REUSED),
        tag="sessions",
        scope=Scope.OPERATE,
    ),
    Operation(
        name="listSessions",
        method="GET",
        path="/v1/sessions",
        summary="List the conversations, newest first",
        handler=index,
        query=SessionsQuery,
        answers=(Answer(status=200, description="A page.", body=SessionPage, headers=("Link",)),),
        problems=READS,
        tag="sessions",
    ),
    Operation(
        name="getSession",
        method="GET",
        path="/v1/sessions/{session_id}",
        summary="Show a conversation",
        handler=show,
        answers=(Answer(status=200, description="As it stands.", body=SessionView),),
        parameters=(SESSION_ID,),
        problems=(*READS, SESSION_NOT_FOUND),
        tag="sessions",
    ),
    Operation(
        name="listMessages",
        method="GET",
        path="/v1/sessions/{session_id}/messages",
        summary="List what was said in a conversation",
        handler=messages,
        query=SessionsQuery,
        answers=(Answer(status=200, description="A page.", body=MessagePage, headers=("Link",)),),
        parameters=(SESSION_ID,),
        problems=(*READS, SESSION_NOT_FOUND),
        tag="sessions",
    ),
    Operation(
        name="saySomething",
        method="POST",
        path="/v1/sessions/{session_id}/messages",
        summary="Say something to the driver",
        description="Recorded before the model is asked. With `Prefer: wait` its answer is waited for; "
        "otherwise, and when it takes longer, the list has it. One message of a session is answered after "
        "the other.",
        handler=say,
        body=SayBody,
        answers=(
            Answer(
                status=200,
                description="The message with its answer.",
                body=MessageView,
                headers=("Preference-Applied",),
            ),
            Answer(
                status=202,
                description="Heard; the answer is still to come.",
                body=MessageView,
                headers=("Location", "Retry-After", "Preference-Applied"),
            ),
        ),
        parameters=(SESSION_ID, IDEMPOTENCY_KEY, PREFER, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, SESSION_NOT_FOUND, CONFLICT, KEY_REUSED),
        tag="sessions",
        scope=Scope.OPERATE,
    ),
    Operation(
        name="acceptProposal",
        method="POST",
        path="/v1/sessions/{session_id}/messages/{number}/proposals/{index}/accept",
        summary="Have a proposal of the driver carried out",
        description="Sends the engine the command that it stands for, once: accepting it again does nothing.",
        handler=accept,
        body=AcceptBody,
        answers=(Answer(status=200, description="Carried out.", body=MessageView),),
        parameters=(SESSION_ID, NUMBER, INDEX, REQUEST_TIMEOUT),
        problems=(*WITH_BODY, *ASKS, SESSION_NOT_FOUND, RUN_NOT_FOUND, CONFLICT, UNPROCESSABLE),
        tag="sessions",
        scope=Scope.OPERATE,
    ),
)
