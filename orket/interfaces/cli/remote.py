"""The engine of another process, over the socket it named; its refusals become the errors they were."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager

import anyio
import attrs

from orket.client import ClientProblem, EventStream, OrketClient, Unreachable, WatchStream
from orket.domain.errors import (
    AssetError,
    MemoryNotFound,
    OrketError,
    RunConflict,
    RunDenied,
    RunNotFound,
    SandboxNotFound,
)
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.domain.memory import Memory
from orket.domain.ports import RunSummary
from orket.interfaces.cli.exits import BadInput
from orket.orchestration.messages import (
    AddMemory,
    ArchiveCards,
    CancelRun,
    EngineCommand,
    EngineTicket,
    Fork,
    HaltCommand,
    HaltEngine,
    MemoryCommand,
    PauseRun,
    ResumeRun,
    RunTicket,
    SaveFile,
    StartRun,
    TendWorkspace,
    WorkspaceAct,
)
from orket.wire.memory import memory_of
from orket.wire.pieces import PieceView
from orket.wire.runs import ForkBody, RunStanding, RunStarted, RunView, StartRunBody
from orket.wire.views import budget_body, recorded

_PAGE = 200
_NO_EVENTS = 2**63 - 1  # beyond every event there will be
# An engine has the lock a moment before it answers on the socket that the lock names.
START_S, _RETRY_S, _ANSWER_S = 5.0, 0.05, 5.0


@asynccontextmanager
async def connect(socket: str, *, start_s: float = START_S) -> AsyncGenerator[Remote]:
    """Use the engine behind a Unix socket; one that is just starting is waited for, ``start_s`` at most.

    Raises:
        Unreachable: It holds the database and does not answer.
    """
    async with OrketClient.connect(socket=socket) as client:
        await _until_it_answers(client, start_s)
        yield Remote(client=client)


@asynccontextmanager
async def connect_url(url: str, key: str) -> AsyncGenerator[Remote]:
    """Use the engine behind a URL, which may be on another machine.

    Raises:
        Unreachable: At the first request: nobody answers there.
    """
    async with OrketClient.connect(url=url, key=key) as client:
        yield Remote(client=client)


async def _until_it_answers(client: OrketClient, start_s: float) -> None:
    give_up_at = anyio.current_time() + start_s
    while True:
        try:
            with anyio.fail_after(_ANSWER_S):
                await client.version()
        except TimeoutError:
            raise Unreachable(f"no answer on its socket within {_ANSWER_S:g} s", sent=True) from None
        except Unreachable as error:
            if error.sent or anyio.current_time() >= give_up_at:
                raise
            await anyio.sleep(_RETRY_S)
        else:
            return


@attrs.frozen(kw_only=True)
class Remote:
    """Another process's engine; see ``reach.Control``."""

    client: OrketClient

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None."""
        try:
            return _summary(await self.client.run(run_id))
        except ClientProblem as problem:
            if problem.kind == "run-not-found":
                return None
            raise

    async def runs(self, *, limit: int) -> tuple[RunSummary, ...]:
        """List runs, newest first."""
        found: list[RunSummary] = []
        page = await self.client.runs(limit=min(limit, _PAGE))
        found += map(_summary, page.runs)
        while page.next and len(found) < limit:
            page = await self.client.runs(page=page.next)
            found += map(_summary, page.runs)
        return tuple(found[:limit])

    async def read(self, run_id: RunId | None, *, after: int, limit: int) -> tuple[Recorded, ...]:
        """Read a page of events, ascending, of one run or of all; it may be shorter than ``limit``."""
        with refusals():
            page = await self.client.ledger(after=after, limit=min(limit, _PAGE), run_id=run_id)
        return tuple(recorded(one) for one in page.events)

    @asynccontextmanager
    async def events(self, run_id: RunId, *, after: int = 0) -> AsyncGenerator[AsyncIterator[Recorded]]:
        """Follow a run's events to its end."""
        async with (
            self.client.events(run_id, after=after) as stream,
            aclosing(_recorded(stream)) as events,
        ):
            yield events

    @asynccontextmanager
    async def pieces(self, run_id: RunId) -> AsyncGenerator[AsyncIterator[PieceView]]:
        """See what the models of a run are writing; its events are told elsewhere."""
        async with (
            self.client.watch(run_id, after=_NO_EVENTS) as stream,
            aclosing(_pieces(stream)) as pieces,
        ):
            yield pieces

    async def command(self, command: EngineCommand) -> RunTicket:
        """Have the engine carry out a command."""
        with refusals():
            if isinstance(command, StartRun):
                started = await self._start(command)
                return RunTicket(run_id=RunId(started.id), status=(await self.client.run(started.id)).status)
            return _ticket(await self._tell(command))

    async def _start(self, command: StartRun) -> RunStarted:
        key = None if command.key is None else command.key.key
        if (fork := command.fork) is None:
            return await self.client.start_run(_body(command), key=key)
        return await self.client.fork(fork.run_id, fork_body(command, fork), key=key)

    async def system(self, command: HaltCommand) -> EngineTicket:
        """Have the engine carry out a command about itself."""
        with refusals():
            if isinstance(command, HaltEngine):
                stands = await self.client.halt(by=command.by, reason=command.reason)
            else:
                stands = await self.client.release(by=command.by)
            return EngineTicket(halted=stands.halted, runs=tuple(RunId(one) for one in stands.runs))

    async def memory(self, command: MemoryCommand) -> Memory:
        """Have the engine change the project's memory."""
        with refusals():
            if isinstance(command, AddMemory):
                return memory_of(await self.client.remember(command.text, by=command.by))
            view = await self.client.forget(command.number, by=command.by, reason=command.reason)
            return memory_of(view)

    async def _tell(self, command: EngineCommand) -> RunStanding:
        client = self.client
        match command:
            case PauseRun():
                return await client.pause(command.run_id, by=command.by, reason=command.reason)
            case ResumeRun():
                return await client.resume(
                    command.run_id,
                    by=command.by,
                    budget=None if command.budget is None else budget_body(command.budget),
                    budgets={card: budget_body(bounds) for card, bounds in command.budgets},
                )
            case CancelRun():
                return await client.cancel(command.run_id, by=command.by, reason=command.reason)
            case ArchiveCards():
                return await client.archive_cards(
                    command.run_id,
                    *command.cards,
                    by=command.by,
                    reason=command.reason,
                    restore=command.restore,
                )
            case TendWorkspace(run_id=run_id, by=by, act=WorkspaceAct.APPLY):
                return await client.apply_workspace(run_id, by=by, into=command.into)
            case TendWorkspace(run_id=run_id, by=by, act=WorkspaceAct.ROLLBACK):
                return await client.roll_back_workspace(run_id, by=by, to=command.to)
            case TendWorkspace(run_id=run_id, by=by):
                return await client.discard_workspace(run_id, by=by)
            case SaveFile():
                raise BadInput("a file is saved over HTTP, with `PUT /v1/runs/RUN/workspace/file`")
            case _:
                assert not isinstance(command, StartRun)
                return await client.decide(command.run_id, command.call_id, command.verdict, by=command.by)


async def _pieces(stream: WatchStream) -> AsyncGenerator[PieceView]:
    async for one in stream:
        if isinstance(one, PieceView):
            yield one


async def _recorded(stream: EventStream) -> AsyncGenerator[Recorded]:
    async for one in stream:
        yield recorded(one)


def fork_body(command: StartRun, fork: Fork) -> ForkBody:
    """Write a fork as it goes over the wire."""
    return ForkBody(at=fork.at, model=command.model, nodes=dict(fork.nodes), workspace=command.workspace)


def _body(command: StartRun) -> StartRunBody:
    return StartRunBody(
        target=command.target,
        only=command.only,
        workspace=command.workspace,
        project=command.project,
        model=command.model,
        parallel=command.parallel,
        budget=budget_body(command.budget),
    )


def _ticket(standing: RunStanding) -> RunTicket:
    return RunTicket(run_id=RunId(standing.id), status=standing.status)


def _summary(view: RunView) -> RunSummary:
    return RunSummary(
        run_id=RunId(view.id),
        target=view.target,
        status=view.status,
        workspace=view.workspace,
        accepted_at=view.accepted_at,
        finished_at=view.finished_at,
        last_seq=view.last_seq,
        reason=view.reason,
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Raise what the engine raised, so that a refusal reads the same from near and far."""
    try:
        yield
    except ClientProblem as problem:
        raise _error(problem) from None


def _error(problem: ClientProblem) -> OrketError:
    match problem.kind:
        case "run-not-found":
            return RunNotFound(problem.detail)
        case "sandbox-not-found":
            return SandboxNotFound(problem.detail)
        case "memory-not-found":
            return MemoryNotFound(problem.detail)
        case "conflict":
            return RunConflict(problem.detail, allowed=problem.allowed)
        case "run-denied":
            return RunDenied(problem.detail)
        case "invalid-asset" if problem.errors:
            fault = problem.errors[0]
            return AssetError(fault.file, fault.pointer, fault.detail)
        case "invalid-request" | "unprocessable":
            named = [one for one in problem.errors if one.place != "request"]
            faults = "; ".join(f"{one.pointer}: {one.detail}" for one in named)
            return BadInput(f"{problem.detail} {faults}".strip())
        case _:
            return problem
