"""What can be asked of the engine. Reads do not pass here: they go to the ledger's read side.

A command with ``if_seq`` is carried out only if that is the number of the run's newest event.
"""

from __future__ import annotations

from enum import StrEnum

import attrs

from actors import Reject, Request
from orket.domain.budgets import Budget
from orket.domain.conversations import Exchange, Session
from orket.domain.errors import OrketError
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.ports import CommandKey
from orket.domain.pull_requests import PullRequestDecided, PullRequestEvent
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict


class Refused(Reject):
    """The engine will not carry out a command; ``error`` is the domain's own error, nothing was recorded."""

    def __init__(self, error: OrketError) -> None:
        super().__init__(error.detail)
        self.error = error


@attrs.frozen(kw_only=True)
class RunTicket:
    """Where a run stands after a command was recorded.

    ``replayed`` says that the key was known already, ``made`` that a file was saved where there was none.
    """

    run_id: RunId
    status: RunStatus
    replayed: bool = False
    made: bool = False


@attrs.frozen(kw_only=True)
class ForgeHeard:
    """What was made of a delivery; ``repeated`` says that it had been heard before, and nothing was done."""

    decided: PullRequestDecided | None = None
    repeated: bool = False


@attrs.frozen(kw_only=True)
class Fork:
    """Begin with another run's history up to event ``at``, or the last turn boundary before it.

    ``nodes`` are ``(family, name)`` pairs that are selected instead of the house's.
    """

    run_id: RunId
    at: int
    nodes: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class StartRun(Request[RunTicket]):
    """Load an asset, admit it, record ``RunAccepted`` and start; answered when that is durable.

    ``target`` is a path or an asset's name, ``only`` one issue of it. ``workspace`` is a directory; empty
    means one of the engine's own. ``project`` is a folder that the run works on a view of, ``services`` the
    project sandbox whose services its commands reach and whose lease it holds while it is open. ``model``
    overrides the environment's model. With ``fork`` nothing is loaded: the run has the cards, the house rules
    and the budget of the one it is forked from.
    """

    target: str
    only: CardId | None = None
    workspace: str = ""
    project: str = ""
    services: str = ""
    model: str = ""
    parallel: int | None = None
    budget: Budget = attrs.field(factory=Budget)
    key: CommandKey | None = None
    fork: Fork | None = None


@attrs.frozen(kw_only=True)
class PauseRun(Request[RunTicket]):
    """Stop a run's work now; after the answer no new effect starts, across restarts, until it is resumed."""

    run_id: RunId
    by: str
    reason: str = ""
    if_seq: int | None = None


@attrs.frozen(kw_only=True)
class ResumeRun(Request[RunTicket]):
    """Let a paused run go on from where its ledger ends.

    ``budget`` replaces the run's bounds, ``budgets`` those of single cards; without them they stay.
    """

    run_id: RunId
    by: str
    budget: Budget | None = None
    budgets: tuple[tuple[CardId, Budget], ...] = ()
    if_seq: int | None = None


@attrs.frozen(kw_only=True)
class CancelRun(Request[RunTicket]):
    """End a run for good: cards that are not final become canceled, running work is ended."""

    run_id: RunId
    by: str
    reason: str = ""
    if_seq: int | None = None


@attrs.frozen(kw_only=True)
class DecideCall(Request[RunTicket]):
    """Say what a person decided about a call that waits for one; the run goes on when none is left."""

    run_id: RunId
    call_id: CallId
    verdict: HumanVerdict
    by: str
    if_seq: int | None = None


class WorkspaceAct(StrEnum):
    """What can become of a resting run's workspace; an act that was cut off is finished by giving it again.

    ``apply`` writes what the run changed into its project, ``rollback`` puts the project back as it was,
    ``discard`` deletes the workspace of a run that has ended; what was applied can still be rolled back.
    """

    APPLY = "apply"
    ROLLBACK = "rollback"
    DISCARD = "discard"


@attrs.frozen(kw_only=True)
class TendWorkspace(Request[RunTicket]):
    """Do something about a run's workspace, recorded first.

    ``into`` is for ``apply``: the folder, for a run that works on no view of a project. ``to`` is for
    ``rollback``: before all applications after that event, instead of before the newest.
    """

    run_id: RunId
    by: str
    act: WorkspaceAct
    into: str = ""
    to: int | None = None
    if_seq: int | None = None


SOME = "*"
"""Instead of a SHA-256: any content."""


@attrs.frozen(kw_only=True)
class SaveFile(Request[RunTicket]):
    """Write a person's file into the workspace of a run that is not at work, recorded first.

    ``if_content`` has it written only over a file of that SHA-256, ``SOME``: over whatever file there is;
    empty: only where there is none. A file that holds this content already is left as it is, and nothing is
    recorded.
    """

    run_id: RunId
    by: str
    path: str
    content: bytes
    if_content: str | None = None
    if_seq: int | None = None


@attrs.frozen(kw_only=True)
class EngineTicket:
    """Where the engine stands after a command; ``runs`` stand still, or go on."""

    halted: bool
    runs: tuple[RunId, ...] = ()


@attrs.frozen(kw_only=True)
class HaltEngine(Request[EngineTicket]):
    """End all work now; after the answer no new effect starts in any run, across restarts, until release.

    Halting a halted engine ends whatever may be left. Should the ledger not take the record, the engine
    still starts nothing until it is released or started anew.
    """

    by: str
    reason: str = ""


@attrs.frozen(kw_only=True)
class ReleaseEngine(Request[EngineTicket]):
    """Let a halted engine work again: its runs go on from where they stood."""

    by: str


@attrs.frozen(kw_only=True)
class HearForge(Request[ForgeHeard]):
    """Decide about one delivery of the forge and record that; what follows is done afterwards."""

    event: PullRequestEvent


@attrs.frozen(kw_only=True)
class OpenSession(Request[Session]):
    """Begin a conversation with a driver; ``model`` answers in it, empty: the one set for all runs."""

    by: str
    model: str = ""
    key: CommandKey | None = None


@attrs.frozen(kw_only=True)
class SaySomething(Request[Exchange]):
    """Say something in a conversation; answered when that is recorded, before the model has answered."""

    session_id: str
    by: str
    text: str
    key: CommandKey | None = None


@attrs.frozen(kw_only=True)
class AcceptProposal(Request[Exchange]):
    """Have the engine carry out proposal ``index`` (from 0) of message ``number`` (from 1), once."""

    session_id: str
    number: int
    index: int
    by: str


SessionMessage = OpenSession | SaySomething | AcceptProposal
"""All that may be asked of who keeps conversations."""


@attrs.frozen(kw_only=True)
class ArchiveCards(Request[RunTicket]):
    """Put cards of a run that has ended out of sight, or with ``restore`` back to where they were.

    Without ``cards``, all of the run's that this can be done to. A card that is archived is ``archived`` and
    nothing else: what it was stands on the ledger.
    """

    run_id: RunId
    by: str
    cards: tuple[CardId, ...] = ()
    restore: bool = False
    reason: str = ""
    if_seq: int | None = None


EngineCommand = (
    StartRun | PauseRun | ResumeRun | CancelRun | DecideCall | TendWorkspace | SaveFile | ArchiveCards
)
"""All that may be sent to the engine about one run."""


@attrs.frozen(kw_only=True)
class AddMemory(Request[Memory]):
    """Put something into the project's memory, as ``by``; answered when it is durable and can be recalled."""

    text: str
    by: str


@attrs.frozen(kw_only=True)
class ForgetMemory(Request[Memory]):
    """Take what is remembered under ``number`` out of the memory; answered with what it was.

    It is recalled no more from then on. A card that it was told to already keeps it until its next
    assignment, and the ledger keeps it for ever.
    """

    number: int
    by: str
    reason: str = ""


HaltCommand = HaltEngine | ReleaseEngine
"""All that may be sent to the engine about itself."""

MemoryCommand = AddMemory | ForgetMemory
"""All that may be sent to the engine about the project's memory."""

SystemCommand = HaltCommand | MemoryCommand
"""All that may be sent to the engine that is about no run."""
