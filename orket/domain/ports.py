"""Everything replaceable, on one page: the outside world as the engine sees it.

The docstrings are the protocol; ``tests/contracts/`` holds a conformance suite per port that every
adapter passes. All async methods may be cancelled at any await; each says what that leaves behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

import attrs

from orket.domain.assets import Workload
from orket.domain.cards import Card
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import BlobId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.models import ModelChunk, ModelRequest
from orket.domain.projects import ProjectPlan, ServiceState
from orket.domain.runs import RunStatus
from orket.domain.sandboxes import Command, CommandResult, ProbeReport, SandboxSpec, Terms
from orket.domain.web import WebRequest, WebResponse
from orket.domain.workspaces import Change, Changes, Place, Plan


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class Ids(Protocol):
    """The only source of names that do not follow from structure."""

    def run_id(self) -> RunId:
        """Make a new run id: 8 hexadecimal digits."""
        ...

    def card_id(self) -> CardId:
        """Make a card id for a card that a tool creates: ``ISSUE-`` and 8 hexadecimal digits."""
        ...


@attrs.frozen(kw_only=True)
class CommandKey:
    """An idempotency key and a fingerprint of the command it belongs to."""

    key: str
    fingerprint: str


@attrs.frozen(kw_only=True)
class RunSummary:
    """One line of the list of runs, kept in step with the events in the same transaction.

    ``accepted_seq`` is the sequence number of the run's first event, by which ``runs`` pages.
    """

    run_id: RunId
    target: str
    status: RunStatus
    workspace: str
    accepted_at: datetime
    finished_at: datetime | None
    last_seq: int
    reason: str = ""
    accepted_seq: int = 0


class LedgerReader(Protocol):
    """The read side: what watchers, lists and recovery use; it loads no mailbox."""

    async def read(
        self, run_id: RunId | None = None, *, after: int = 0, limit: int = 1000
    ) -> tuple[Recorded, ...]:
        """Return up to ``limit`` events with a sequence above ``after``, ascending, of one run or of all."""
        ...

    async def wait(self, after: int, run_id: RunId | None = None) -> int:
        """Return the newest sequence number once it is above ``after`` (at once if it is already).

        A watcher of one run names it, and is then not woken for others once it waits; it waits above what
        this returned, not above its own last event. Every event up to the number returned is visible to the
        next ``read``. Only commits of this process wake it.
        """
        ...

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None."""
        ...

    async def runs(
        self, *, before: int | None = None, limit: int = 50, open_only: bool = False
    ) -> tuple[RunSummary, ...]:
        """List runs, newest first, in pages: those accepted below sequence ``before``."""
        ...

    async def run_for_key(self, key: CommandKey) -> RunId | None:
        """Find the run that was started with an idempotency key.

        Raises:
            IdempotencyConflict: The key belongs to a command with another fingerprint.
        """
        ...

    async def cards(self, run_id: RunId | None = None) -> tuple[Card, ...]:
        """List cards as they stand, of one run or of all, in the order they were added."""
        ...

    async def blob(self, blob: BlobId) -> bytes | None:
        """Return a blob's content, or None."""
        ...

    async def recall(self, query: str, *, limit: int = 20) -> tuple[Memory, ...]:
        """Search what was remembered in all runs: the best first, each text once, see ``memory.ranked``.

        The query is plain words, whatever stands in it; without a word the newest are returned.
        """
        ...


class Ledger(LedgerReader, Protocol):
    """The write side: whoever decides records first, here."""

    async def append(
        self,
        run_id: RunId,
        events: Sequence[Event],
        *,
        blobs: Sequence[bytes] = (),
        key: CommandKey | None = None,
    ) -> tuple[Recorded, ...]:
        """Record events, blobs and idempotency key in one transaction; durable when it returns.

        Concurrent appends share one commit. When cancelled, the transaction happens whole or not at all,
        and the caller finds out by reading. When an append returns, one of nothing too, all that was asked
        for before it is recorded or never will be.

        Raises:
            IdempotencyConflict: ``key`` is already used (by whichever command); nothing was recorded.
            StoreError: Nothing was recorded.
        """
        ...


class ModelClient(Protocol):
    """A model server."""

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[ModelChunk]]:
        """Ask the model; the last chunk is a ``ReplyCompleted``. Leaving the block stops the request.

        Raises:
            ModelError: At entering or while iterating.
        """
        ...


class WebClient(Protocol):
    """The web, as a tool may reach it."""

    async def fetch(self, request: WebRequest) -> WebResponse:
        """Send one request and read the answer, within its limits; redirections are not followed.

        Raises:
            ToolError: ``unreachable`` or ``forbidden_address`` (the name stands for a machine that is not on
                the open net), and nothing was sent; ``timeout`` or ``failed``, and it may have acted.
        """
        ...


class WorkloadSource(Protocol):
    """Where cards and their team, roles, dialects, environment and organization come from."""

    async def load(self, target: str, *, only: CardId | None = None) -> Workload:
        """Read and validate everything that ``target`` (a path, or the name of an asset) needs.

        Raises:
            AssetError: Naming file, JSON pointer and reason; nothing was started.
            CardNotFound: No such asset, or no issue ``only`` in it.
            DependencyCycle: The issues wait for each other.
        """
        ...


class OpenSandbox(Protocol):
    """A sandbox that is open; it acts only inside its workspace."""

    @property
    def terms(self) -> Terms:
        """What it really gives."""
        ...

    async def run(self, command: Command) -> CommandResult:
        """Run a command to its end; the whole process tree is gone when this returns or is cancelled.

        Raises:
            SandboxError: The command could not be started for reasons that are not its own.
        """
        ...

    async def read(self, path: str, *, bytes_max: int) -> bytes:
        """Read a workspace file.

        Raises:
            ToolError: ``not_found``, ``too_large``, ``not_a_file``, ``outside_workspace``.
        """
        ...

    async def write(self, path: str, content: bytes) -> None:
        """Write a workspace file whole (by rename), with the folders it needs.

        Raises:
            ToolError: ``outside_workspace``, ``not_a_file``.
        """
        ...

    async def entries(self, path: str) -> tuple[str, ...]:
        """List a workspace folder, sorted; folders end in ``/``.

        Raises:
            ToolError: ``not_found``, ``not_a_folder``, ``outside_workspace``.
        """
        ...

    async def close(self) -> None:
        """End everything that runs in it; may be called twice."""
        ...


class Workspaces(Protocol):
    """What runs left in their workspaces, and the way from there into a project and back.

    Nothing here may happen while the run's commands are under way, but for looking.
    """

    async def changes(self, place: Place) -> Changes:
        """List what the run changed, as far as the project is not like it already.

        Raises:
            RunConflict: The run has not opened its workspace, or it was discarded.
            SandboxUnavailable: It cannot be read.
        """
        ...

    async def contents(self, place: Place, change: Change) -> tuple[bytes | None, bytes | None]:
        """Read what a change is from and to, of files that are not too large; None: no file, or too large."""
        ...

    async def plan(self, place: Place, number: int) -> Plan:
        """Write down, durably and beside the workspace, what application ``number`` is going to do.

        Raises:
            RunConflict: A change cannot be applied; names them all. Nothing was written.
            SandboxUnavailable: The workspace cannot be read.
        """
        ...

    async def apply(self, place: Place, number: int, plan: str) -> None:
        """Carry a plan out; one that was cut off anywhere is carried out to its end.

        Raises:
            RunConflict: A path is not as planned; those before it are done.
            SandboxUnavailable: Something cannot be written; likewise.
        """
        ...

    async def hindrances(self, place: Place, number: int, plan: str) -> tuple[str, ...]:
        """Name the paths of the project that are not as application ``number`` has left or found them.

        Raises:
            RunConflict: The plan is not there.
        """
        ...

    async def take_back(self, place: Place, number: int, plan: str) -> None:
        """Put the project back as it was before application ``number``, as far as that has come.

        Raises:
            RunConflict: A path was changed since, or is changed meanwhile; those before it are done.
            SandboxUnavailable: Something cannot be written; a part may have been taken back.
        """
        ...

    async def discard(self, place: Place) -> None:
        """Delete the workspace; what is needed to take applications back stays."""
        ...


class SandboxDriver(Protocol):
    """One rung of the ladder."""

    name: str
    level: int

    async def probe(self) -> ProbeReport:
        """Really run something and report whether this driver keeps its word here."""
        ...

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Open a sandbox over the workspace of ``spec``, which is made if it does not exist.

        Raises:
            SandboxUnavailable: It cannot be set up here.
        """
        ...


class ProjectDriver(Protocol):
    """What keeps project sandboxes: stacks of services at a container engine, found again by their labels.

    ``owner`` labels what belongs to one database; nothing else is ever touched.
    """

    owner: str

    async def check(self, plan: ProjectPlan) -> None:
        """Find out, before anything is made, whether ``up`` can work here.

        Raises:
            SandboxUnavailable: No engine, no compose program, or a folder without a Dockerfile.
        """
        ...

    async def up(self, plan: ProjectPlan) -> None:
        """Build and start everything; what a cancelled one leaves is found by ``remove``.

        Raises:
            SandboxError: It did not come up; the reason holds no secret.
        """
        ...

    async def services(self, sandbox_id: str) -> tuple[ServiceState, ...]:
        """Look at its services, and ask each that can be asked whether it answers.

        Raises:
            SandboxError: The engine cannot be asked.
        """
        ...

    async def logs(self, sandbox_id: str, *, service: str, lines: int) -> str:
        """Read the last lines of one service, or of all (empty); its secrets are taken out.

        Raises:
            SandboxNotFound: There is no such service.
            SandboxError: The engine cannot be asked.
        """
        ...

    async def run(self, sandbox_id: str, *, service: str, command: Command) -> CommandResult:
        """Run a command in a service's container; of ``limits`` the time and the output count.

        Raises:
            SandboxNotFound: There is no such service.
            SandboxError: It could not be run for reasons that are not its own.
        """
        ...

    async def stop(self, sandbox_id: str, *, within_s: float) -> None:
        """Stop its services and keep their data.

        Raises:
            SandboxError: The engine cannot be asked.
        """
        ...

    async def remove(self, sandbox_id: str) -> None:
        """Leave nothing of it: containers, networks, volumes, built images.

        Raises:
            SandboxError: Something is left.
        """
        ...

    async def left(self) -> frozenset[str]:
        """Name the sandboxes of this owner of which anything is there.

        Raises:
            SandboxError: The engine cannot be asked.
        """
        ...

    async def clear_commands(self) -> int:
        """Remove the containers of commands that an earlier process of this owner left; say how many.

        Raises:
            SandboxError: The engine cannot be asked.
        """
        ...
