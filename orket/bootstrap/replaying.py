"""Replaying a recorded run: no model, no effects, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from orket.bootstrap.house import House, open_source, plugins
from orket.bootstrap.mcp import with_declared
from orket.bootstrap.tools import installed_tools
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.events import Recorded
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import open_ledger as open_memory_ledger
from orket.orchestration.replay import ReplayReport, replay
from orket.settings import Settings


async def replay_run(
    settings: Settings, recorded: Sequence[Recorded], *, registry: NodeRegistry | None = None
) -> ReplayReport:
    """Replay a recorded run with the decision nodes of today: no model, no effects, nothing is written.

    Args:
        settings: Selects the nodes, together with the run's own organization.
        recorded: All events of the run, from its first.
        registry: The decision nodes to choose from; by default the built-in ones and installed plugins.

    Raises:
        SettingsError: The run's organization or the environment selects a node that is not known.
    """
    known = NodeRegistry(plugins()) if registry is None else registry
    house = House(known, settings)
    servers = await open_source(settings, known).mcp_servers()
    tools = with_declared(settings, servers, installed_tools(settings))
    async with open_memory_ledger(SystemClock()) as ledger:
        return await replay(house.nodes, ledger, tools, recorded, SystemClock())
