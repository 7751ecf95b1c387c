"""A whole engine under simulation: the real actors, with model, ledger, sandbox, clock and names simulated.

A composition root of its own: what ``orket.bootstrap`` joins for production is joined here for tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs

from actors import ActorSystem, DeliveryError, Ref, ReplyError
from actors.testing import Simulation
from orket.bootstrap import House, Root
from orket.decision_nodes.registry import NodeRegistry, Nodes
from orket.domain.assets import Workload
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId, RunId
from orket.domain.ports import CommandKey, Ledger, ModelClient
from orket.domain.runs import RunState, RunStatus
from orket.domain.tools import HumanVerdict, ToolResult
from orket.infrastructure.memory.ledger import MemoryLedger
from orket.infrastructure.models.retrying import RetryingModel
from orket.orchestration.admission import Intake
from orket.orchestration.messages import (
    DecideCall,
    EngineCommand,
    Refused,
    RunTicket,
    StartRun,
    SystemCommand,
)
from orket.services.tools.tool import Tool, ToolContext
from orket.services.tools.toolbox import TOOLBOX, Toolbox
from orket.services.tools.workbench import Workbench
from orket.settings import Settings
from orket.testing.clock import CountedIds, SimulatedClock
from orket.testing.laws import EngineLaws
from orket.testing.ledger import SimulatedLedger
from orket.testing.model import SimulatedModel
from orket.testing.sandbox import SimulatedSandbox

R = TypeVar("R")

#: How often a command is sent again when the engine dies of it.
TRIES_MAX = 20
NOWHERE = Path("/simulated")


class _House(House):
    """Selects decision nodes as in production; every model is the simulated one."""

    def __init__(self, registry: NodeRegistry, settings: Settings, model: SimulatedModel) -> None:
        super().__init__(registry, settings)
        self._simulated = model

    def model(self, name: str, nodes: Nodes) -> ModelClient:
        return RetryingModel(self._simulated, nodes.model_client.retries(name))


class _Source:
    """The workloads that a test has laid out, by target."""

    def __init__(self) -> None:
        self.workloads: dict[str, Workload] = {}

    async def load(self, target: str, *, only: CardId | None = None) -> Workload:
        if target not in self.workloads:
            raise CardNotFound(f"no workload named {target!r}")
        return attrs.evolve(self.workloads[target], only=only)


class _Root(Root, strategy="rest_for_one", intensity=(5, 30.0)):
    """The engine's own tree, with simulated time and names."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.clock = SimulatedClock()
        self._ids = CountedIds()

    def intake(self) -> Intake:
        return attrs.evolve(super().intake(), ids=self._ids)


@attrs.define(eq=False)
class SimulatedEngine:
    """A running engine inside a simulation; ``simulated_engine`` makes one.

    Attributes:
        engine: What commands are sent to, see ``orket.orchestration.messages``.
        ledger: What has been recorded.
        model: The simulated model.
        sandbox: The simulated sandbox.
        laws: What is checked after every step, and at the end of the block.
    """

    engine: Ref[EngineCommand | SystemCommand]
    ledger: Ledger
    model: SimulatedModel
    sandbox: SimulatedSandbox
    laws: EngineLaws
    _source: _Source
    _commands: int = 0

    async def run(self, workload: Workload, **more: Any) -> RunState:
        """Start a run and follow it to where it cannot go on without a person.

        Args:
            workload: What to run, see ``orket.testing.workload``.
            more: Other fields of ``StartRun``.

        Returns:
            The run as its events tell it.

        Raises:
            Refused: The engine does not take the run.
        """
        return await self.settled(await self.start(workload, **more))

    async def start(self, workload: Workload, **more: Any) -> RunId:
        """Start a run, asking again with the same idempotency key if the engine dies meanwhile.

        Raises:
            Refused: The engine does not take the run.
        """
        self._source.workloads[workload.target] = workload
        self._commands += 1
        key = CommandKey(key=f"command-{self._commands}", fingerprint=workload.target)
        ticket: RunTicket = await self._ask(StartRun(target=workload.target, key=key, **more))
        return ticket.run_id

    async def decide(self, run_id: RunId, verdict: HumanVerdict) -> RunState:
        """Decide every call that waits for a person, and follow the run on.

        Args:
            run_id: A run that waits for approval.
            verdict: What the person says about each call.
        """
        state = await self.settled(run_id)
        for one in state.waiting_calls():
            # Refused: an engine that died of the command had recorded it.
            with suppress(Refused):
                await self._ask(DecideCall(run_id=run_id, call_id=one.call.id, verdict=verdict, by="tester"))
        return await self.settled(run_id)

    async def settled(self, run_id: RunId) -> RunState:
        """Wait until a run is not running any more."""
        state, newest = RunState(run_id=run_id), 0
        while True:
            for recorded in await self.ledger.read(run_id, after=state.last_seq):
                state.apply_recorded(recorded)
            if state.last_seq and state.status is not RunStatus.RUNNING:
                return state
            newest = await self.ledger.wait(max(newest, state.last_seq))

    async def _ask(self, command: Any) -> Any:
        for left in reversed(range(TRIES_MAX)):
            try:
                return await self.engine.ask(command)
            except (DeliveryError, ReplyError):
                if not left:
                    raise
        raise AssertionError


@asynccontextmanager
async def simulated_engine(
    sim: Simulation,
    *,
    model: SimulatedModel | None = None,
    sandbox: SimulatedSandbox | None = None,
    nodes: NodeRegistry | None = None,
    tools: Toolbox = TOOLBOX,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[SimulatedEngine]:
    """Run the engine in a simulation: every schedule it takes and every fault is the simulation's choice.

    Actors that ``Faults`` may name: ``engine``, ``executor``, ``orchestrator``; ports: ``model`` (``delay``,
    ``drop``), ``sandbox`` and ``simulatedledger`` (``delay``). The engine stops with the block. One that
    crashes more than 5 times in 30 virtual seconds gives up, as in production.

    Args:
        sim: The simulation; the engine runs in its system.
        model: Who answers; by default one that finishes every card.
        sandbox: Where tools act; by default one without programs.
        nodes: The decision nodes to choose from.
        tools: The installed tools.
        environ: ``ORKET_*`` variables that select decision nodes.

    Raises:
        InvariantBroken: A law of ``EngineLaws`` was broken (raised by the simulation, after the step).
        AssertionError: At the end of the block: a law about the ends of runs was broken.
    """
    model, sandbox, laws = model or SimulatedModel(), sandbox or SimulatedSandbox(), EngineLaws()
    model.enter(sim)
    sandbox.enter(sim)
    sim.invariant(laws.check)
    registry = NodeRegistry() if nodes is None else nodes
    settings = Settings(
        data_dir=NOWHERE / "data", model_dir=NOWHERE, cwd=NOWHERE, environ=dict(environ or {})
    )
    source, house = _Source(), _House(registry, settings, model)
    watched = {name: _watched(tool, laws) for name, tool in tools.items()}
    ledger: Ledger = sim.fragile(SimulatedLedger(MemoryLedger(SimulatedClock()), laws.see))
    async with ActorSystem("orket", shutdown=20) as system:
        root = system.named("root").supervise(_Root, ledger, source, house, (sandbox,), watched, settings)
        await system.started(root.engine)
        yield SimulatedEngine(root.engine, ledger, model, sandbox, laws, source)
        laws.finish()
    laws.finish()


def _watched(tool: Tool[Any], laws: EngineLaws) -> Tool[Any]:
    """The same tool; the laws are told when it begins to act."""
    effect: Callable[..., Any] = tool.effect

    async def act(arguments: Any, context: ToolContext, workbench: Workbench) -> ToolResult:
        laws.act(context.call.id)
        result: ToolResult = await effect(arguments, context, workbench)
        return result

    return attrs.evolve(tool, effect=act)
