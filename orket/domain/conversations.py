"""Conversations with a driver: what a person said, what the model answered, which commands it proposed.

A model never commands anything here. It proposes, in a form that is checked; a person carries a proposal out,
which sends the same message to the engine that the command line and the bridge send.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import attrs

from orket.domain.identifiers import RunId

TEXT_CHARS_MAX = 8_000
PROPOSALS_MAX = 8
EXCHANGES_MAX = 200
SESSIONS_MAX = 500


class Action(StrEnum):
    """What can be proposed."""

    START_RUN = "start_run"
    PAUSE_RUN = "pause_run"
    RESUME_RUN = "resume_run"
    CANCEL_RUN = "cancel_run"


@attrs.frozen(kw_only=True)
class Proposal:
    """A command that the model would give: ``subject`` is an asset's name to start, or a run's id."""

    action: Action
    subject: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class SessionOpened:
    """A person began to talk with a driver; ``key`` is the command's idempotency key, if it has one."""

    session_id: str
    by: str
    model: str
    key: str = ""


@attrs.frozen(kw_only=True)
class MessageHeard:
    """A person said something: message ``number``, from 1; ``key`` as of ``SessionOpened``."""

    session_id: str
    number: int
    by: str
    text: str
    key: str = ""


@attrs.frozen(kw_only=True)
class MessageAnswered:
    """What the driver made of message ``number``; ``error`` says why there is no answer."""

    session_id: str
    number: int
    text: str = ""
    proposals: tuple[Proposal, ...] = ()
    error: str = ""
    input_tokens: int = 0
    output_tokens: int = 0


@attrs.frozen(kw_only=True)
class ProposalAccepted:
    """A person had proposal ``index`` (from 0) of message ``number`` carried out, which concerned a run."""

    session_id: str
    number: int
    index: int
    by: str
    run_id: RunId


ConversationEvent = SessionOpened | MessageHeard | MessageAnswered | ProposalAccepted


@attrs.frozen(kw_only=True)
class Exchange:
    """A message and its answer; ``answered`` is None until there is one.

    ``accepted`` maps the numbers of proposals that were carried out to their runs.
    """

    heard: MessageHeard
    answered: MessageAnswered | None = None
    accepted: tuple[tuple[int, RunId], ...] = ()


@attrs.frozen(kw_only=True)
class Session:
    """A conversation as it stands."""

    opened: SessionOpened
    exchanges: tuple[Exchange, ...] = ()

    @property
    def id(self) -> str:
        """What it is called."""
        return self.opened.session_id

    def exchange(self, number: int) -> Exchange | None:
        """Find message ``number``, from 1."""
        return self.exchanges[number - 1] if 0 < number <= len(self.exchanges) else None


def fold(events: Iterable[object], known: dict[str, Session] | None = None) -> dict[str, Session]:
    """Make the sessions of their events, in the order in which they were opened."""
    sessions = dict(known or {})
    for event in events:
        match event:
            case SessionOpened():
                sessions[event.session_id] = Session(opened=event)
            case MessageHeard():
                session = sessions[event.session_id]
                exchanges = (*session.exchanges, Exchange(heard=event))
                sessions[event.session_id] = attrs.evolve(session, exchanges=exchanges)
            case MessageAnswered() | ProposalAccepted():
                sessions[event.session_id] = _changed(sessions[event.session_id], event)
            case _:
                pass
    return sessions


def _changed(session: Session, event: MessageAnswered | ProposalAccepted) -> Session:
    exchanges = list(session.exchanges)
    one = exchanges[event.number - 1]
    if isinstance(event, MessageAnswered):
        exchanges[event.number - 1] = attrs.evolve(one, answered=event)
    else:
        accepted = (*one.accepted, (event.index, event.run_id))
        exchanges[event.number - 1] = attrs.evolve(one, accepted=accepted)
    return attrs.evolve(session, exchanges=tuple(exchanges))
