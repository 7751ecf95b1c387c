"""Conversations: hears what a person says, asks the model, records both, and has proposals carried out.

Messages of one session are answered one after the other, those of others beside it. Whoever says something
is told as soon as that is recorded, and the model is asked afterwards; an answer that a crash has cut off is
an answer with an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import attrs

from actors import Actor, ActorsError, Message, Ref, Reply, on
from orket.decision_nodes.driver import SCHEMA_JSON, messages_for, read_answer
from orket.domain.conversations import (
    EXCHANGES_MAX,
    SESSIONS_MAX,
    Action,
    ConversationEvent,
    Exchange,
    MessageAnswered,
    MessageHeard,
    Proposal,
    ProposalAccepted,
    Session,
    SessionOpened,
    fold,
)
from orket.domain.errors import ModelError, OrketError, RunError, SessionConflict, SessionNotFound
from orket.domain.identifiers import SESSIONS, CardId, RunId
from orket.domain.models import ModelReply, ModelRequest, ReplyCompleted
from orket.domain.ports import CommandKey, Ids, Ledger, ModelClient
from orket.orchestration.messages import (
    AcceptProposal,
    CancelRun,
    EngineCommand,
    OpenSession,
    PauseRun,
    Refused,
    ResumeRun,
    SaySomething,
    SessionMessage,
    StartRun,
    SystemCommand,
)

PAGE = 1000
RUNS_TOLD = 20
HEARD_AT_ONCE_MAX = 100
COMMAND_S = 60.0
# A scripted driver answers for this card, turn after turn.
CARD, SEAT = CardId("session"), "driver"
# No client can send a key with this sign, so a proposal can never be taken for a client's command.
_KEY = "session\u00b7"
R = TypeVar("R")


@attrs.frozen(kw_only=True)
class ConversationRoom:
    """What the keeper of conversations needs at hand; ``default_model`` may be empty."""

    ledger: Ledger
    ids: Ids
    engine: Ref[EngineCommand | SystemCommand]
    model: Callable[[str], ModelClient]
    default_model: str = ""


@attrs.frozen
class _Done(Message):
    """A piece of work beside the handlers is over."""


class Conversations(Actor[SessionMessage | _Done], restart="permanent", shutdown=5.0):
    """Keeps the sessions, as the ledger has them.

    Args:
        room: What it needs at hand.
    """

    def __init__(self, room: ConversationRoom) -> None:
        self._room = room
        self._sessions: dict[str, Session] = {}
        self._locks: dict[tuple[str, str], anyio.Lock] = {}
        self._recording = anyio.Lock()  # of two with the same key the second finds the first
        self._hearing = 0

    async def on_start(self) -> None:
        """Take up what is recorded; what was asked and never answered gets an answer that says so."""
        after = 0
        while page := await self._room.ledger.read(SESSIONS, after=after, limit=PAGE):
            self._sessions = fold((one.event for one in page), self._sessions)
            after = page[-1].seq
        for session in tuple(self._sessions.values()):
            for one in session.exchanges:
                if one.answered is None:
                    await self._record(_failed(one.heard, "the engine ended before the model had answered"))

    @on(OpenSession)
    async def open(self, m: OpenSession) -> Reply[Session]:
        """Begin a session; answered when that is durable."""
        return self._beside(m, self.ctx.defer(m), lambda: self._open(m))

    @on(SaySomething)
    async def say(self, m: SaySomething) -> Reply[Exchange]:
        """Hear a message; answered when it is recorded, and then the model is asked."""
        return self._beside(m, self.ctx.defer(m), lambda: self._hear(m), self._follow)

    @on(AcceptProposal)
    async def accept(self, m: AcceptProposal) -> Reply[Exchange]:
        """Carry a proposal out; answered when the engine has."""
        return self._beside(m, self.ctx.defer(m), lambda: self._accept(m))

    @on(_Done)
    async def _done(self, m: _Done) -> None:
        """Nothing is left to do."""

    def _beside(
        self,
        m: SessionMessage,
        to: Reply[R],
        act: Callable[[], Awaitable[R]],
        then: Callable[[R], Awaitable[None]] | None = None,
    ) -> Reply[R]:
        if self._hearing >= HEARD_AT_ONCE_MAX:
            raise Refused(SessionConflict("too much is being said at once; say it again later"))
        self._hearing += 1

        async def answer() -> _Done:
            try:
                try:
                    done = await act()
                except OrketError as error:
                    to.fail(Refused(error))
                    return _Done()
                to.reply(done)
                if then is not None:
                    await then(done)
                return _Done()
            finally:
                self._hearing -= 1

        self.ctx.pipe(answer, lambda done: done)
        return to

    async def _open(self, m: OpenSession) -> Session:
        async with self._recording:
            return await self._opened_before(m) or await self._open_new(m)

    async def _opened_before(self, m: OpenSession) -> Session | None:
        if m.key is None or await self._room.ledger.run_for_key(m.key) is None:
            return None
        return next((one for one in self._sessions.values() if one.opened.key == m.key.key), None)

    async def _open_new(self, m: OpenSession) -> Session:
        if len(self._sessions) >= SESSIONS_MAX:
            raise SessionConflict(f"{SESSIONS_MAX} sessions are there already")
        name = m.model or self._room.default_model
        if not name:
            raise RunError("no model is set for a session: name one as `model`, or set ORKET_MODEL")
        self._room.model(name)  # an unknown one is refused now
        session_id = str(self._room.ids.run_id())
        key = "" if m.key is None else m.key.key
        await self._record(SessionOpened(session_id=session_id, by=m.by, model=name, key=key), m.key)
        return self._sessions[session_id]

    async def _hear(self, m: SaySomething) -> Exchange:
        async with self._recording:
            session = self._known(m.session_id)
            if m.key is not None and await self._room.ledger.run_for_key(m.key) is not None:
                known = (one for one in session.exchanges if one.heard.key == m.key.key)
                if (before := next(known, None)) is not None:
                    return before
            number = len(session.exchanges) + 1
            if number > EXCHANGES_MAX:
                raise SessionConflict(f"a session has at most {EXCHANGES_MAX} messages; open another one")
            key = "" if m.key is None else m.key.key
            heard = MessageHeard(session_id=m.session_id, number=number, by=m.by, text=m.text, key=key)
            await self._record(heard, m.key)
            return self._sessions[m.session_id].exchanges[number - 1]

    async def _follow(self, one: Exchange) -> None:
        """Ask the model, unless the message was sent again and has its answer, or will have it."""
        heard = one.heard
        async with self._turn("answer", heard.session_id):
            now = self._sessions[heard.session_id].exchanges[heard.number - 1]
            if now.answered is None:
                await self._record(await self._answer(heard))

    async def _answer(self, heard: MessageHeard) -> MessageAnswered:
        session = self._sessions[heard.session_id]
        runs = await self._room.ledger.runs(limit=RUNS_TOLD)
        request = ModelRequest(
            card=CARD,
            turn=heard.number,
            seat=SEAT,
            model=session.opened.model,
            messages=messages_for(session, heard.number, runs),
            schema_json=SCHEMA_JSON,
            pieces=False,
        )
        try:
            reply = await _whole(self._room.model(session.opened.model), request)
            text, proposals = read_answer(reply.text)
        except ModelError as error:
            return _failed(heard, f"the model did not answer: {error.detail}")
        except ValueError as error:
            return _failed(heard, f"the model's proposals cannot be understood: {error}")
        return MessageAnswered(
            session_id=heard.session_id,
            number=heard.number,
            text=text,
            proposals=proposals,
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
        )

    async def _accept(self, m: AcceptProposal) -> Exchange:
        self._known(m.session_id)
        async with self._turn("accept", m.session_id):
            one = self._sessions[m.session_id].exchange(m.number)
            if one is None or one.answered is None or not 0 <= m.index < len(one.answered.proposals):
                raise SessionNotFound(f"message {m.number} has no proposal {m.index}")
            if any(index == m.index for index, _ in one.accepted):
                return one  # it was carried out, and is not a second time
            command = _command(one.answered.proposals[m.index], m)
            try:
                ticket = await self._room.engine.ask(command, timeout=COMMAND_S)
            except Refused as refused:
                raise refused.error from None
            except ActorsError as error:
                raise SessionConflict(
                    f"the engine did not answer ({error}); look, then accept it again"
                ) from error
            accepted = ProposalAccepted(
                session_id=m.session_id, number=m.number, index=m.index, by=m.by, run_id=ticket.run_id
            )
            await self._record(accepted)
            return self._sessions[m.session_id].exchanges[m.number - 1]

    def _known(self, session_id: str) -> Session:
        if (found := self._sessions.get(session_id)) is None:
            raise SessionNotFound(f"no session has the id {session_id[:100]!r}")
        return found

    @asynccontextmanager
    async def _turn(self, what: str, session_id: str) -> AsyncIterator[None]:
        async with self._locks.setdefault((what, session_id), anyio.Lock()):
            yield

    async def _record(self, event: ConversationEvent, key: CommandKey | None = None) -> None:
        (recorded,) = await self._room.ledger.append(SESSIONS, [event], key=key)
        self._sessions = fold([recorded.event], self._sessions)


async def _whole(client: ModelClient, request: ModelRequest) -> ModelReply:
    async with client.stream(request) as chunks:
        async for chunk in chunks:
            if isinstance(chunk, ReplyCompleted):
                return chunk.reply
    raise ModelError("the answer has no end", code="protocol", retryable=True)


def _failed(heard: MessageHeard, error: str) -> MessageAnswered:
    return MessageAnswered(session_id=heard.session_id, number=heard.number, error=error)


def _command(proposal: Proposal, m: AcceptProposal) -> EngineCommand:
    """Make the message of a proposal; a run that was started by it is not started a second time."""
    run_id, reason = RunId(proposal.subject), f"session {m.session_id}: {proposal.reason}"
    match proposal.action:
        case Action.START_RUN:
            key = CommandKey(key=f"{_KEY}{m.session_id}/{m.number}/{m.index}", fingerprint=proposal.subject)
            return StartRun(target=proposal.subject, key=key)
        case Action.PAUSE_RUN:
            return PauseRun(run_id=run_id, by=m.by, reason=reason)
        case Action.RESUME_RUN:
            return ResumeRun(run_id=run_id, by=m.by)
        case Action.CANCEL_RUN:
            return CancelRun(run_id=run_id, by=m.by, reason=reason)
