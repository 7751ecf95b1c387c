"""MCP servers: which tools of them are offered, looking at what they say now, and approving it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.to_thread
import attrs

from actors import ActorSystem, Ref
from orket.bootstrap.house import House, open_source, plugins
from orket.bootstrap.rungs import ladder
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.assets import Organization
from orket.domain.errors import McpError, RunConflict, SettingsError, StoreError
from orket.domain.identifiers import RunId
from orket.domain.mcp import Catalogue, McpServer, McpStanding, McpTool, Offer, differences, offer
from orket.domain.mcp_ports import McpConnector, McpLink
from orket.domain.sandboxes import Command, CommandResult, Limits, SandboxSpec
from orket.infrastructure.mcp.catalogues import FileCatalogues
from orket.services.mcp_messages import ListMcp, McpRequest
from orket.services.mcp_servers import McpServers
from orket.services.mcp_session import McpTools
from orket.services.sandbox import choose_driver
from orket.services.tools.mcp_tool import mcp_tools
from orket.services.tools.tool import Tool
from orket.services.tools.toolbox import Toolbox, make_toolbox
from orket.settings import Settings

__all__ = [
    "Found",
    "McpHouse",
    "approve_server",
    "declared_servers",
    "list_servers",
    "look_at_server",
    "open_servers",
    "with_declared",
]

PACKAGES = ("mcp", "jsonschema")
ASK_S = 10.0
LACKING = "the extra 'mcp' is not installed: pip install 'orket[mcp]'"


@attrs.frozen(kw_only=True)
class Found:
    """A server as it is now, and how that differs from what was approved, by tool."""

    server: McpServer
    catalogue: Catalogue
    changes: dict[str, str]


class ApprovedTools(Mapping[str, Tool[Any]]):
    """A toolbox that is put together anew when approvals have changed; looking costs a listing of a folder.

    When what was approved cannot be read, or has come to two tools of one name, what was there stays.
    """

    def __init__(self, catalogues: FileCatalogues, join: Callable[[], Toolbox]) -> None:
        self._catalogues, self._join = catalogues, join
        self._stamp = catalogues.stamp()
        self._tools = join()

    def __getitem__(self, name: str) -> Tool[Any]:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> Toolbox:
        try:
            if (stamp := self._catalogues.stamp()) != self._stamp:
                self._stamp, self._tools = stamp, self._join()
        except (StoreError, SettingsError):
            return self._tools
        return self._tools


@attrs.frozen(kw_only=True)
class McpHouse:
    """The servers of an engine; their sessions live behind ``rooms``, None when there can be none."""

    settings: Settings
    servers: tuple[McpServer, ...] = ()
    rooms: Ref[McpRequest] | None = None

    def tools(self, toolbox: Toolbox) -> Toolbox:
        """Add the approved tools of the servers to a toolbox.

        What a person approves while the engine runs is there from the next look on.

        Raises:
            SettingsError: A tool of the toolbox has the name of one of theirs.
        """
        if self.rooms is None:
            return toolbox
        settings, servers, rooms = self.settings, self.servers, self.rooms
        return ApprovedTools(_catalogues(settings), lambda: _joined(settings, servers, toolbox, rooms))

    async def standings(self) -> tuple[McpStanding, ...]:
        """Say how each server stands now. Starts nothing.

        Raises:
            ActorsError: The engine is ending.
        """
        lives = {} if self.rooms is None else await self.rooms.ask(ListMcp(), timeout=ASK_S)
        found = await anyio.to_thread.run_sync(list_servers, self.settings, self.servers)
        known = ((one, lives.get(one.server.name)) for one in found)
        return tuple(
            one if life is None else attrs.evolve(one, sessions=life.sessions, problem=life.problem)
            for one, life in known
        )


def open_servers(
    settings: Settings, servers: tuple[McpServer, ...], system: ActorSystem, limits: Limits
) -> McpHouse:
    """Get ready for the servers of a house; their sessions live in ``system``, and none is started yet."""
    if not servers or not _installed():
        return McpHouse(settings=settings, servers=servers)
    tools = McpTools(connector=_connector(limits, settings), catalogues=_catalogues(settings))
    rooms = system.named("mcp").spawn(McpServers, tools)
    return McpHouse(settings=settings, servers=servers, rooms=rooms)


def with_declared(settings: Settings, servers: tuple[McpServer, ...], toolbox: Toolbox) -> Toolbox:
    """Add the approved tools of the servers, to be looked at and not to be called.

    Raises:
        SettingsError: A tool of the toolbox has the name of one of theirs.
    """
    return _joined(settings, servers, toolbox, None) if _installed() else toolbox


async def declared_servers(settings: Settings) -> tuple[McpServer, ...]:
    """Read which servers the organization file declares.

    Raises:
        SettingsError, AssetError: A plugin or the file is not usable.
    """
    return await open_source(settings, NodeRegistry(plugins())).mcp_servers()


def list_servers(settings: Settings, servers: Iterable[McpServer]) -> tuple[McpStanding, ...]:
    """Say which tools of each server are offered, and why the others are not. Starts nothing."""
    if not _installed():
        nothing = Offer(refused=(("*", LACKING),))
        return tuple(McpStanding(server=one, offer=nothing, lacking=LACKING) for one in servers)
    return tuple(McpStanding(server=one, offer=_offer(settings, one)) for one in servers)


async def look_at_server(settings: Settings, name: str) -> Found:
    """Start or reach a server, ask for its tools, and end it; a command runs in a sandbox of its own.

    Raises:
        SettingsError: No such server is declared, or the extra is not installed.
        McpError, SandboxUnavailable: It cannot be had.
        AssetError, StoreError: What was declared or approved cannot be read.
    """
    source = open_source(settings, registry := NodeRegistry(plugins()))
    server = _named(await source.mcp_servers(), name)
    if not _installed():
        raise SettingsError(f"MCP server {name}: {LACKING}")
    found = await _ask(server, settings, registry, await source.organization())
    approved = _catalogues(settings).approved(name)
    return Found(
        server=server,
        catalogue=Catalogue(where=server.where, tools=found),
        changes=differences(approved.tools if approved else (), found),
    )


async def approve_server(settings: Settings, name: str, digest: str = "") -> Found:
    """Look at a server and approve what it is now, if it is what ``digest`` names.

    Raises:
        RunConflict: It has another digest; nothing was approved.
        SettingsError, McpError, SandboxUnavailable, AssetError, StoreError: As ``look_at_server``.
    """
    found = await look_at_server(settings, name)
    if digest and digest != found.catalogue.digest:
        raise RunConflict(f"MCP server {name} is {found.catalogue.digest} now, not {digest}: look again")
    _catalogues(settings).approve(name, found.catalogue)
    return found


async def _ask(
    server: McpServer, settings: Settings, registry: NodeRegistry, organization: Organization
) -> tuple[McpTool, ...]:
    policy = House(registry, settings).nodes(organization).sandbox_policy
    levels, limits = policy.levels(organization), policy.limits(organization)
    connector = _connector(limits, settings)
    if server.url:
        return await _tools(connector, server, _nothing_runs)
    driver = await choose_driver(ladder(environ=settings.environ), levels)
    with TemporaryDirectory(prefix="orket-mcp-") as folder:
        spec = SandboxSpec(run_id=RunId("mcp"), workspace=folder, levels=levels, limits=limits)
        opened = await driver.open(spec)
        try:
            return await _tools(connector, server, opened.run)
        finally:
            with anyio.CancelScope(shield=True):
                await opened.close()


async def _tools(connector: McpConnector, server: McpServer, start: Any) -> tuple[McpTool, ...]:
    found: list[tuple[McpTool, ...] | McpError] = []

    async def use(link: McpLink) -> None:
        try:
            with anyio.fail_after(server.timeout_s):
                found.append(await link.tools())
        except TimeoutError:
            found.append(McpError(f"MCP server {server.name} does not list its tools in time"))
        except McpError as error:
            found.append(error)

    await connector.visit(server, start, use)
    if isinstance(told := found[0], McpError):
        raise told
    return told


async def _nothing_runs(command: Command) -> CommandResult:
    raise AssertionError("a server at a URL is not started")


def _joined(
    settings: Settings, servers: tuple[McpServer, ...], toolbox: Toolbox, rooms: Ref[McpRequest] | None
) -> Toolbox:
    theirs: list[Tool[Any]] = []
    for server in servers:
        theirs += mcp_tools(server, _offer(settings, server).offered, rooms)
    return make_toolbox((*toolbox.values(), *theirs))


def _offer(settings: Settings, server: McpServer) -> Offer:
    catalogues = _catalogues(settings)
    try:
        return offer(server, catalogues.approved(server.name), catalogues.changed(server.name))
    except StoreError as error:
        return Offer(refused=(("*", error.detail),))


def _catalogues(settings: Settings) -> FileCatalogues:
    return FileCatalogues(settings.data_dir / "durable" / "mcp")


def _connector(limits: Limits, settings: Settings) -> McpConnector:
    from orket.infrastructure.mcp.connecting import SdkConnector  # the SDK takes a while, and is an extra

    return SdkConnector(limits, keys=settings.mcp_keys)


def _installed() -> bool:
    return all(find_spec(one) is not None for one in PACKAGES)


def _named(servers: Iterable[McpServer], name: str) -> McpServer:
    known = {one.name: one for one in servers}
    if name not in known:
        names = ", ".join(known) or "none"
        raise SettingsError(
            f"no MCP server {name!r} is declared in the organization file (declared: {names})"
        )
    return known[name]
