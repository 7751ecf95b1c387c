"""The working rooms on their own: real actors, processes and files, the ledger in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from actors import ActorSystem, Ref, Supervisor, child, late
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.approvals import Approval
from orket.domain.assets import Environment, Epic, Organization, Team, Workload
from orket.domain.cards import Card, CardStatus, CardType
from orket.domain.events import Event, RunAccepted
from orket.domain.identifiers import CardId, RunId, call_id
from orket.domain.ports import Clock, SandboxDriver
from orket.domain.sandboxes import Limits, SandboxSpec
from orket.domain.tools import HumanVerdict, ToolCall
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import MemoryLedger
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.services.sandbox_messages import SandboxRequest
from orket.services.sandbox_orchestrator import SandboxOrchestrator
from orket.services.tool_call import NodesOf
from orket.services.tool_executor import ToolExecutor
from orket.services.tool_messages import CallContext, EndCalls, ExecuteTool, Settle
from orket.services.tools.toolbox import TOOLBOX, Toolbox

RUN = RunId("r1")
CARD = Card(
    id=CardId("C-1"), name="A card", status=CardStatus.IN_PROGRESS, parent_id=CardId("E-1"), seat="builder"
)
WORKLOAD = Workload(
    target="t",
    organization=Organization(),
    epics=(
        Epic(
            card=Card(id=CardId("E-1"), type=CardType.EPIC, name="An epic"),
            team=Team(name="t"),
            environment=Environment(name="e"),
            issues=(CARD,),
        ),
    ),
    roles=(),
    dialects=(),
)
NODES = NodeRegistry().resolve((), {})


@attrs.frozen(kw_only=True)
class Rooms:
    """What a test holds of the running rooms."""

    system: ActorSystem
    sandboxes: Ref[SandboxRequest]
    executor: Ref[ExecuteTool | Settle | EndCalls]
    ledger: MemoryLedger
    spec: SandboxSpec
    work: Path

    async def events(self) -> tuple[Event, ...]:
        """All events but the first, which every run has."""
        return tuple(one.event for one in await self.ledger.read(RUN, after=1))

    def ask_for(
        self,
        tool: str,
        index: int = 0,
        *,
        attempts: int = 0,
        verdict: HumanVerdict | None = None,
        approval: Approval | None = None,
        organization: Organization | None = None,
        card: Card = CARD,
        raw: str | None = None,
        offered: Iterable[str] = tuple(TOOLBOX),
        **arguments: object,
    ) -> ExecuteTool:
        """A request for the ``index``-th call of the first turn."""
        call = ToolCall(
            id=call_id(RUN, card.id, 1, index),
            run_id=RUN,
            card_id=card.id,
            turn=1,
            index=index,
            tool=tool,
            arguments_json=json.dumps(arguments) if raw is None else raw,
        )
        context = CallContext(
            seat="builder",
            roles=("builder",),
            role_tools=tuple(offered),
            card=card,
            comments=(),
            verification=None,
            organization=organization or Organization(),
            idesign=False,
            sandbox=self.spec,
        )
        return ExecuteTool(call=call, context=context, attempts=attempts, verdict=verdict, approval=approval)


class House(Supervisor, strategy="rest_for_one", intensity=(1_000, 1.0)):
    """The two rooms as the engine's root has them, with all the patience a test may need."""

    def __init__(
        self,
        drivers: tuple[SandboxDriver, ...],
        ledger: MemoryLedger,
        toolbox: Toolbox,
        nodes: NodesOf,
        clock: Clock,
    ) -> None:
        self.drivers, self.ledger, self.toolbox, self.nodes = drivers, ledger, toolbox, nodes
        self.clock = clock

    sandboxes = child(SandboxOrchestrator)(
        late(lambda house: house.drivers), late(lambda house: house.ledger)
    )
    executor = child(ToolExecutor)(
        sandboxes,
        late(lambda house: house.ledger),
        late(lambda house: house.toolbox),
        late(lambda house: house.nodes),
        late(lambda house: house.clock),
    )


@asynccontextmanager
async def rooms(
    tmp_path: Path,
    *,
    drivers: Iterable[SandboxDriver] | None = None,
    levels: tuple[str, ...] = ("process",),
    toolbox: Toolbox = TOOLBOX,
    nodes: NodesOf = lambda _: NODES,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Rooms]:
    """Run orchestrator and executor over one accepted run."""
    ledger, work = MemoryLedger(SystemClock()), tmp_path / "work"
    await ledger.append(RUN, [RunAccepted(workload=WORKLOAD, workspace=str(work))])
    installed = (ProcessDriver(),) if drivers is None else tuple(drivers)
    async with ActorSystem("rooms") as system:
        house = system.supervise(House, installed, ledger, toolbox, nodes, clock or SystemClock())
        yield Rooms(
            system=system,
            sandboxes=house.sandboxes,
            executor=house.executor,
            ledger=ledger,
            spec=SandboxSpec(
                run_id=RUN, workspace=str(work), levels=levels, limits=limits or Limits(wall_s=20.0)
            ),
            work=work,
        )
