"""The supervision tree of the engine, and what its actors are handed."""

from __future__ import annotations

import sys
from functools import partial

from actors import Supervisor, child, late
from orket.bootstrap.house import House
from orket.bootstrap.rungs import Drivers
from orket.domain.ports import Clock, Ledger, WorkloadSource
from orket.infrastructure.clock import RandomIds, SystemClock
from orket.infrastructure.workspaces.port import FileWorkspaces
from orket.orchestration.admission import Intake
from orket.orchestration.desk import Desk
from orket.orchestration.engine import Engine
from orket.orchestration.inbox import LedgerInbox
from orket.services.sandbox_orchestrator import SandboxOrchestrator
from orket.services.tool_executor import ToolExecutor
from orket.services.tools.toolbox import Toolbox, make_toolbox
from orket.services.verification import verify
from orket.settings import Settings


class Root(Supervisor, strategy="rest_for_one", intensity=(5, 30.0)):
    """The root of the engine: who is asked stands above who asks, so a restart takes the askers along."""

    def __init__(
        self,
        ledger: Ledger,
        source: WorkloadSource,
        house: House,
        drivers: Drivers,
        toolbox: Toolbox,
        settings: Settings,
    ) -> None:
        self.ledger, self.source, self.house = ledger, source, house
        self.drivers, self.toolbox, self.settings = drivers, toolbox, settings
        self.clock: Clock = SystemClock()

    orchestrator = child(SandboxOrchestrator, shutdown=5)(
        late(lambda root: root.drivers), late(lambda root: root.ledger)
    )
    executor = child(ToolExecutor, shutdown=5)(
        orchestrator,
        late(lambda root: root.ledger),
        late(lambda root: root.toolbox),
        late(lambda root: root.house.nodes),
        late(lambda root: root.clock),
    )
    engine = child(Engine, shutdown=5)(late(lambda root: root.desk()), late(lambda root: root.intake()))

    def desk(self) -> Desk:
        """Lay out what the engine and its runs need at hand."""
        return Desk(
            ledger=self.ledger,
            clock=self.clock,
            executor=self.executor,
            sandboxes=self.orchestrator,
            nodes=self.house.nodes,
            model=self.house.model,
            toolbox=self.toolbox,
            verify=partial(verify, sandboxes=self.orchestrator, python=sys.executable),
            inbox=LedgerInbox(self.ledger),
            proposing=make_toolbox(tool for tool in self.toolbox.values() if tool.propose is not None),
            redactor=self.house.live.redactor,
            live=self.house.live,
        )

    def intake(self) -> Intake:
        """Lay out what the engine needs to admit a run."""
        return Intake(
            source=self.source,
            clock=self.clock,
            ids=RandomIds(),
            workspaces=FileWorkspaces(),
            data_dir=str(self.settings.data_dir),
            cwd=str(self.settings.cwd),
            take_up=self.settings.take_up,
        )
