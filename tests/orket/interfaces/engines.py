"""A scripted engine on a real actor system and the memory ledger, for tests of what bridges to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import anyio
import attrs
import httpx2
from starlette.applications import Starlette

from actors import Actor, ActorSystem, Mailbox, on
from orket.bootstrap import Orket, Root
from orket.decision_nodes.registry import NodeRegistry
from orket.domain import events as e
from orket.domain.assets import Environment, Epic, Organization, Team, Workload
from orket.domain.cards import Card, CardType
from orket.domain.correlation import REQUEST, Origin
from orket.domain.errors import OrketError, RunChanged, RunConflict, RunNotFound
from orket.domain.identifiers import ENGINE, CardId, RunId
from orket.domain.ports import Ledger
from orket.domain.runs import FINAL_RUN, RunStatus
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import open_ledger
from orket.interfaces.api import create_app
from orket.interfaces.limits import HttpLimits
from orket.orchestration.messages import (
    CancelRun,
    DecideCall,
    EngineTicket,
    HaltEngine,
    PauseRun,
    Refused,
    ReleaseEngine,
    ResumeRun,
    RunTicket,
    StartRun,
)
from orket.services.project import ProjectRoom
from orket.services.project_sandboxes import ProjectSandboxes
from orket.settings import load_settings
from tests.orket.services.containers import Engine as Containers

Command = PauseRun | ResumeRun | CancelRun | DecideCall


@attrs.define
class Script:
    """How the engine misbehaves, and what it saw."""

    refusal: OrketError | None = None
    crash: bool = False
    gate: anyio.Event | None = None
    heard: list[object] = attrs.field(factory=list)
    origins: list[Origin] = attrs.field(factory=list)
    after_start: list[e.Event] = attrs.field(factory=list)
    entered: anyio.Event = attrs.field(factory=anyio.Event)


class ScriptedEngine(
    Actor[StartRun | PauseRun | ResumeRun | CancelRun | DecideCall | HaltEngine | ReleaseEngine],
    mailbox=Mailbox(2),
):
    """Records what the real one would record first, and does no work."""

    def __init__(self, ledger: Ledger, script: Script) -> None:
        self.ledger = ledger
        self.script = script

    async def follow_script(self, message: object) -> None:
        self.script.heard.append(message)
        self.script.origins.append(REQUEST.get())
        self.script.entered.set()
        if self.script.gate is not None:
            await self.script.gate.wait()
        if self.script.crash:
            raise RuntimeError("secret internals")
        if self.script.refusal is not None:
            raise Refused(self.script.refusal)

    @on(StartRun)
    async def start(self, m: StartRun) -> RunTicket:
        await self.follow_script(m)
        try:
            known = None if m.key is None else await self.ledger.run_for_key(m.key)
        except OrketError as error:
            raise Refused(error) from None
        if known is not None:
            summary = await self.ledger.run(known)
            assert summary is not None
            return RunTicket(run_id=known, status=summary.status, replayed=True)
        run_id = await next_id(self.ledger)
        await self.ledger.append(run_id, [*accepted(m), *self.script.after_start], key=m.key)
        return RunTicket(run_id=run_id, status=RunStatus.RUNNING)

    @on(PauseRun)
    async def pause(self, m: PauseRun) -> RunTicket:
        return await self.change(m, m.run_id, e.RunPaused(by=m.by, reason=m.reason), RunStatus.PAUSED)

    @on(ResumeRun)
    async def resume(self, m: ResumeRun) -> RunTicket:
        return await self.change(m, m.run_id, e.RunResumed(by=m.by), RunStatus.RUNNING)

    @on(CancelRun)
    async def cancel(self, m: CancelRun) -> RunTicket:
        end = e.RunFinished(status="canceled", reason=m.reason)
        return await self.change(m, m.run_id, end, RunStatus.CANCELED)

    @on(DecideCall)
    async def decide(self, m: DecideCall) -> RunTicket:
        card = CardId(m.call_id.split("/")[1])
        decided = e.ToolCallDecided(call_id=m.call_id, card_id=card, verdict=m.verdict, by=m.by)
        return await self.change(m, m.run_id, decided, RunStatus.RUNNING)

    @on(HaltEngine)
    async def halt(self, m: HaltEngine) -> EngineTicket:
        await self.follow_script(m)
        await self.ledger.append(ENGINE, [e.EngineHalted(by=m.by, reason=m.reason)])
        return EngineTicket(halted=True, runs=(RunId("00000001"),))

    @on(ReleaseEngine)
    async def release(self, m: ReleaseEngine) -> EngineTicket:
        await self.follow_script(m)
        await self.ledger.append(ENGINE, [e.EngineReleased(by=m.by)])
        return EngineTicket(halted=False)

    async def change(
        self,
        m: PauseRun | ResumeRun | CancelRun | DecideCall,
        run_id: RunId,
        event: e.Event,
        status: RunStatus,
    ) -> RunTicket:
        await self.follow_script(m)
        summary = await self.ledger.run(run_id)
        if summary is None:
            raise Refused(RunNotFound(f"no run {run_id}"))
        if m.if_seq not in (None, summary.last_seq):
            raise Refused(RunChanged(f"run {run_id} is at {summary.last_seq}"))
        if summary.status in FINAL_RUN:
            raise Refused(RunConflict(f"run {run_id} is {summary.status}", ("fork",)))
        await self.ledger.append(run_id, [event])
        return RunTicket(run_id=run_id, status=status)


async def next_id(ledger: Ledger) -> RunId:
    """Count the runs."""
    found = await ledger.runs(limit=1)
    return RunId(f"{(int(found[0].run_id, 16) if found else 0) + 1:08x}")


def accepted(m: StartRun, cards: int = 2) -> Sequence[e.Event]:
    """The first events of a run over an epic of so many issues."""
    epic = Card(id=CardId("EPIC"), type=CardType.EPIC, name=m.target)
    issues = tuple(
        Card(id=CardId(f"I-{n}"), name=f"Issue {n}", parent_id=epic.id) for n in range(1, cards + 1)
    )
    work = Workload(
        target=m.target,
        organization=Organization(),
        epics=(Epic(card=epic, team=Team(name="t"), environment=Environment(name="e"), issues=issues),),
        roles=(),
        dialects=(),
    )
    return [
        e.RunAccepted(workload=work, workspace=m.workspace, model=m.model, budget=m.budget),
        *(e.CardAdded(card=one) for one in (epic, *issues)),
    ]


@attrs.frozen
class House:
    """A running bridge: the engine's script, its ledger, the app, and a client of it."""

    orket: Orket
    ledger: Ledger
    script: Script
    app: Starlette
    client: httpx2.AsyncClient
    containers: Containers

    async def run(self, *events: e.Event, target: str = "ledger_cli") -> RunId:
        """Put a run on the ledger without asking anybody."""
        run_id = await next_id(self.ledger)
        await self.ledger.append(run_id, [*accepted(StartRun(target=target)), *events])
        return run_id


@asynccontextmanager
async def open_house(
    *, limits: HttpLimits | None = None, raise_errors: bool = True, environ: Mapping[str, str] | None = None
) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(SystemClock()))
        system = await stack.enter_async_context(ActorSystem("orket", shutdown=5, carry=(REQUEST,)))
        script = Script()
        nodes, containers = NodeRegistry().resolve((), {}), Containers()
        room = ProjectRoom(
            driver=containers,
            ledger=ledger,
            clock=SystemClock(),
            policy=nodes.sandbox_policy,
            organization=Organization(),
        )
        orket = Orket(
            system=system,
            root=cast("Root", None),  # the bridge asks the engine, nobody above it
            engine=system.spawn(ScriptedEngine, ledger, script),
            projects=system.spawn(ProjectSandboxes, room),
            ledger=ledger,
            nodes=nodes,
            settings=load_settings(environ or {}, Path("/nowhere")),
        )
        app = create_app(orket, limits=limits)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=raise_errors)
        client = await stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8082")
        )
        yield House(orket, ledger, script, app, client, containers)


DONE = e.RunFinished(status="done")
