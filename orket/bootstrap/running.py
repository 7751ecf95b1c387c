"""A running engine: who may open one, and what it hands to the ways in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import attrs

from actors import ActorSystem, Ref
from orket.bootstrap.conversing import keep_conversations
from orket.bootstrap.house import House, open_source, owner_of, plugins
from orket.bootstrap.keeping import Keeping
from orket.bootstrap.keys import open_keys
from orket.bootstrap.root import Root
from orket.bootstrap.rungs import Drivers, ladder
from orket.bootstrap.sparing import forget_generated_sources
from orket.bootstrap.tools import installed_tools
from orket.decision_nodes.registry import NodeRegistry, Nodes
from orket.domain.assets import Organization
from orket.domain.correlation import REQUEST
from orket.domain.keys import Keys
from orket.domain.mcp import McpServer, McpStanding
from orket.domain.ports import Ledger, LedgerReader, ProjectDriver
from orket.domain.redaction import Redactor
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.keys import MemoryKeys
from orket.infrastructure.lock import EngineLock
from orket.infrastructure.sandboxes.project_driver import ComposeProjects
from orket.infrastructure.sqlite import open_ledger
from orket.orchestration.live import Live
from orket.orchestration.messages import EngineCommand, HearForge, SessionMessage, SystemCommand
from orket.services.project import ProjectRoom
from orket.services.project_messages import ProjectRequest
from orket.services.tools.toolbox import Toolbox
from orket.settings import Settings


class HouseServers(Protocol):
    """The MCP servers of the house; what is behind it is imported only where servers are declared."""

    def tools(self, toolbox: Toolbox) -> Toolbox:
        """Add their approved tools to a toolbox."""
        ...

    async def standings(self) -> tuple[McpStanding, ...]:
        """Say how each of them stands now."""
        ...


@attrs.frozen(kw_only=True)
class Orket:
    """A running engine: what the ways in may hold; ``live`` shows what models are writing."""

    system: ActorSystem
    root: Root
    engine: Ref[EngineCommand | SystemCommand]
    ledger: LedgerReader
    nodes: Nodes
    settings: Settings
    organization: Organization = attrs.field(factory=Organization)
    projects: Ref[ProjectRequest]
    live: Live = attrs.field(factory=Live)
    keys: Keys = attrs.field(factory=MemoryKeys)
    mcp: HouseServers | None = None
    pull_requests: Ref[HearForge] | None = None
    sessions: Ref[SessionMessage] | None = None

    def alive(self) -> bool:
        """Whether the engine can be asked; False once its system has stopped or given up."""
        return self.system.alive


@asynccontextmanager
async def open_orket(
    settings: Settings,
    *,
    registry: NodeRegistry | None = None,
    drivers: Drivers | None = None,
    toolbox: Toolbox | None = None,
    project_driver: ProjectDriver | None = None,
) -> AsyncIterator[Orket]:
    """Own a database and run the engine on it, until the block ends; open runs go on at once.

    Args:
        settings: Where everything is.
        registry: The decision nodes to choose from; by default the built-in ones and installed plugins.
        drivers: The rungs of the sandbox ladder; by default those of this machine.
        toolbox: The tools; by default those installed, and those approved of the house's MCP servers.
        project_driver: What keeps project sandboxes; by default the container engine of this machine.

    Raises:
        StoreLocked, StoreError: Another engine owns the database, or it cannot be used.
        SettingsError, AssetError: A node, a tool, a plugin or the organization file is not usable.
    """
    forget_generated_sources()
    known = NodeRegistry(plugins()) if registry is None else registry
    tools = installed_tools(settings) if toolbox is None else toolbox
    source, house = open_source(settings, known), House(known, settings)
    nodes = house.nodes(organization := await source.organization())
    with EngineLock(settings.db_path, socket=str(settings.socket_path)):
        async with (
            open_ledger(settings.db_path, SystemClock(), Redactor(settings.secrets)) as ledger,
            ActorSystem("orket", shutdown=20, carry=(REQUEST,)) as system,
        ):
            house.move_in(system)
            mcp = _mcp_house(settings, await source.mcp_servers(), system, nodes, organization)
            tools = _with_theirs(tools, mcp, toolbox)
            rungs = ladder(owner_of(settings), settings.environ) if drivers is None else drivers
            root = system.named("root").supervise(Root, ledger, source, house, rungs, tools, settings)
            room = _project_room(settings, project_driver, ledger, nodes, organization)
            keeping = system.named("keeping").supervise(Keeping, room)
            await system.started(root.engine)
            yield Orket(
                system=system,
                root=root,
                engine=root.engine,
                projects=keeping.projects,
                mcp=mcp,
                ledger=ledger,
                live=house.live,
                nodes=nodes,
                settings=settings,
                organization=organization,
                keys=open_keys(settings),
                pull_requests=_hear_pull_requests(system, settings, ledger, root.engine),
                sessions=keep_conversations(system, settings, ledger, house, nodes, root.engine),
            )


def _project_room(
    settings: Settings,
    driver: ProjectDriver | None,
    ledger: Ledger,
    nodes: Nodes,
    organization: Organization,
) -> ProjectRoom:
    """Lay out what the keeper of project sandboxes needs at hand."""
    return ProjectRoom(
        driver=ComposeProjects(owner=owner_of(settings)) if driver is None else driver,
        ledger=ledger,
        clock=SystemClock(),
        policy=nodes.sandbox_policy,
        organization=organization,
    )


def _with_theirs(tools: Toolbox, mcp: HouseServers | None, toolbox: Toolbox | None) -> Toolbox:
    """Add the tools of the house's servers, unless whoever opened the engine gave it the toolbox to use."""
    return tools if mcp is None or toolbox is not None else mcp.tools(tools)


def _mcp_house(
    settings: Settings,
    servers: tuple[McpServer, ...],
    system: ActorSystem,
    nodes: Nodes,
    organization: Organization,
) -> HouseServers | None:
    """Get ready for the MCP servers of the house, if it has any."""
    if not servers:
        return None
    from orket.bootstrap.mcp import open_servers

    return open_servers(settings, servers, system, nodes.sandbox_policy.limits(organization))


def _hear_pull_requests(
    system: ActorSystem, settings: Settings, ledger: Ledger, engine: Ref[EngineCommand | SystemCommand]
) -> Ref[HearForge] | None:
    """Start the keeper of pull requests, if a secret is set to know the forge by."""
    if settings.gitea is None:
        return None
    from orket.bootstrap.reviewing import hear_pull_requests

    return hear_pull_requests(system, settings.gitea, ledger, engine)
