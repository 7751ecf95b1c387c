"""The composition root: the only place where ports meet adapters.

``open_orket`` takes the database's lock, opens the ledger, starts the actor system with its three actors
under one supervisor, and hands out what the ways in may hold.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache, partial
from importlib.metadata import entry_points
from pathlib import Path

import attrs

from actors import ActorSystem, Ref, Supervisor, child, late
from orket.decision_nodes.decisions import RetryPolicy
from orket.decision_nodes.registry import ENTRY_POINTS, NodeRegistry, Nodes, Plugin
from orket.domain.assets import Organization
from orket.domain.errors import SettingsError
from orket.domain.events import Recorded
from orket.domain.integrity import Anchor, DatabaseReport, LedgerReport
from orket.domain.ports import Clock, Ledger, LedgerReader, ModelClient, SandboxDriver, WorkloadSource
from orket.domain.redaction import Redactor
from orket.domain.sandboxes import ProbeReport
from orket.infrastructure.assets import demo_dir
from orket.infrastructure.assets.workloads import FileWorkloads
from orket.infrastructure.clock import RandomIds, SystemClock
from orket.infrastructure.lock import EngineLock, LockHolder, holder
from orket.infrastructure.memory import open_ledger as open_memory_ledger
from orket.infrastructure.models.recording import Recorder
from orket.infrastructure.models.selection import open_model
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from orket.infrastructure.sandboxes.landlock import LandlockDriver
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.infrastructure.sqlite import (
    Sink,
    open_ledger,
    read_key_file,
    verify_export,
)
from orket.infrastructure.sqlite import back_up as back_up_sqlite
from orket.infrastructure.sqlite import export as export_sqlite
from orket.infrastructure.sqlite import inspect_database as inspect_sqlite
from orket.infrastructure.sqlite import migrate_database as migrate_sqlite
from orket.infrastructure.sqlite import open_reader as open_sqlite_reader
from orket.infrastructure.sqlite import verify as verify_sqlite
from orket.orchestration.admission import Intake
from orket.orchestration.desk import Desk
from orket.orchestration.engine import Engine
from orket.orchestration.messages import EngineCommand, SystemCommand
from orket.orchestration.replay import ReplayReport, replay
from orket.services.sandbox_orchestrator import SandboxOrchestrator
from orket.services.tool_executor import ToolExecutor
from orket.services.tools.toolbox import TOOLBOX, Toolbox
from orket.services.verification import verify
from orket.settings import Settings

REMEMBERED_MAX = 64
Drivers = tuple[SandboxDriver, ...]


class House:
    """Selects decision nodes for organizations and opens models for runs; remembers both, bounded."""

    def __init__(self, registry: NodeRegistry, settings: Settings) -> None:
        self._registry, self._settings = registry, settings
        self._recorder = None if settings.record is None else Recorder(settings.record)
        self._select = lru_cache(REMEMBERED_MAX)(self._resolve)
        self._open = lru_cache(REMEMBERED_MAX)(self._connect)

    def nodes(self, organization: Organization) -> Nodes:
        """Select the nodes of an organization.

        Raises:
            SettingsError: The rules or the environment name a node or a family that is not known.
        """
        return self._select(organization.process_rules)

    def model(self, name: str, nodes: Nodes) -> ModelClient:
        """Open a model with the adapter and the patience that the ``model_client_node`` names.

        Raises:
            SettingsError: No adapter serves this name.
        """
        return self._open(name, nodes.model_client.adapter(name), nodes.model_client.retries(name))

    def _resolve(self, rules: tuple[tuple[str, str], ...]) -> Nodes:
        return self._registry.resolve(rules, self._settings.environ)

    def _connect(self, name: str, adapter: str, policy: RetryPolicy) -> ModelClient:
        settings = self._settings
        return open_model(name, policy, adapter=adapter, cwd=settings.cwd, recorder=self._recorder)


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
            tools=tuple(tool.spec for tool in self.toolbox.values()),
            verify=partial(verify, sandboxes=self.orchestrator, python=sys.executable),
            redactor=Redactor(self.settings.secrets),
        )

    def intake(self) -> Intake:
        """Lay out what the engine needs to admit a run."""
        return Intake(
            source=self.source,
            clock=self.clock,
            ids=RandomIds(),
            data_dir=str(self.settings.data_dir),
            cwd=str(self.settings.cwd),
            take_up=self.settings.take_up,
        )


@attrs.frozen(kw_only=True)
class Orket:
    """A running engine: what the ways in may hold."""

    system: ActorSystem
    root: Root
    engine: Ref[EngineCommand | SystemCommand]
    ledger: LedgerReader
    nodes: Nodes
    settings: Settings
    organization: Organization = attrs.field(factory=Organization)

    def alive(self) -> bool:
        """Whether the engine can be asked; False once its system has stopped or given up."""
        return self.system.alive


def plugins() -> tuple[Plugin, ...]:
    """Find the decision nodes of installed packages: entry points named ``family.name``.

    Raises:
        SettingsError: An entry point is misnamed or cannot be loaded.
    """
    found = []
    for point in entry_points(group=ENTRY_POINTS):
        family, dot, name = point.name.partition(".")
        if not dot:
            raise SettingsError(f"entry point {point.name!r} of {ENTRY_POINTS}: name it 'family.name'")
        try:
            found.append((family, name, point.load()))
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"entry point {point.name!r} = {point.value}: {error}") from error
    return tuple(found)


@asynccontextmanager
async def open_orket(
    settings: Settings,
    *,
    registry: NodeRegistry | None = None,
    drivers: Drivers | None = None,
    toolbox: Toolbox = TOOLBOX,
) -> AsyncIterator[Orket]:
    """Own a database and run the engine on it, until the block ends; open runs go on at once.

    Args:
        settings: Where everything is.
        registry: The decision nodes to choose from; by default the built-in ones and installed plugins.
        drivers: The rungs of the sandbox ladder; by default those of this machine.
        toolbox: The installed tools; by default those that come with Orket.

    Raises:
        StoreLocked: Another engine owns the database.
        StoreError: The database cannot be used.
        SettingsError, AssetError: A node, a plugin or the organization file is not usable.
    """
    known = NodeRegistry(plugins()) if registry is None else registry
    source, house = _source(settings, known), House(known, settings)
    organization = await source.organization()
    nodes = house.nodes(organization)
    with EngineLock(settings.db_path, socket=str(settings.socket_path)):
        async with (
            open_ledger(settings.db_path, SystemClock(), Redactor(settings.secrets)) as ledger,
            ActorSystem("orket", shutdown=20) as system,
        ):
            rungs = ladder() if drivers is None else drivers
            root = system.named("root").supervise(Root, ledger, source, house, rungs, toolbox, settings)
            await system.started(root.engine)
            yield Orket(
                system=system,
                root=root,
                engine=root.engine,
                ledger=ledger,
                nodes=nodes,
                settings=settings,
                organization=organization,
            )


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
    async with open_memory_ledger(SystemClock()) as ledger:
        return await replay(house.nodes, ledger, TOOLBOX, recorded, SystemClock())


def open_reader(settings: Settings) -> AbstractAsyncContextManager[LedgerReader]:
    """Open the ledger for reading, beside whoever owns it.

    Raises:
        StoreError: At entering: there is no database, or it is of another version.
    """
    return open_sqlite_reader(settings.db_path)


def verify_ledger(settings: Settings, anchor: Anchor | None = None) -> LedgerReport:
    """Check every event, blob and list of the ledger, an engine may be using it. Blocks.

    Raises:
        StoreError: There is no database, no key, or it cannot be read at all.
    """
    return verify_sqlite(settings.db_path, anchor)


def export_ledger(settings: Settings, to: Sink, *, blobs: bool = False) -> Anchor:
    """Write the ledger as lines that can be verified elsewhere. Blocks.

    Raises:
        StoreError: There is no database, no key, or it cannot be read.
        OSError: It cannot be written.
    """
    return export_sqlite(settings.db_path, to, blobs=blobs)


def verify_exported(
    lines: Iterable[bytes], key_file: Path | None = None, anchor: Anchor | None = None
) -> LedgerReport:
    """Check an export: with the database's key file all of it, without only for damage. Blocks.

    Raises:
        StoreError: The key file cannot be read.
    """
    return verify_export(lines, None if key_file is None else read_key_file(key_file), anchor)


def inspect_database(settings: Settings) -> DatabaseReport:
    """Say what kind of database this is, and whether it is whole. Blocks.

    Raises:
        StoreError: There is none, or it is not Orket's.
    """
    return inspect_sqlite(settings.db_path)


def back_up_database(settings: Settings, target: Path) -> None:
    """Copy the database and its key, as of one moment; an engine may be using it. Blocks.

    Raises:
        StoreError: There is none, ``target`` exists, or copying failed.
    """
    back_up_sqlite(settings.db_path, target)


def migrate_database(settings: Settings) -> tuple[tuple[str, bool], ...]:
    """Bring the database up to this version, or make it; name each migration, and whether it was due. Blocks.

    Raises:
        StoreLocked: An engine is using it.
        StoreError: It cannot be opened, or was written by a newer Orket.
    """
    with EngineLock(settings.db_path):
        return tuple((one.name, applied) for one, applied in migrate_sqlite(settings.db_path))


async def select_nodes(settings: Settings, registry: NodeRegistry | None = None) -> Nodes:
    """Select the decision nodes of the app, as its organization file and the environment say.

    Raises:
        SettingsError, AssetError: A node, a plugin or the organization file is not usable.
    """
    known = NodeRegistry(plugins()) if registry is None else registry
    return House(known, settings).nodes(await _source(settings, known).organization())


def _source(settings: Settings, registry: NodeRegistry) -> FileWorkloads:
    loader = registry.resolve_early(settings.environ).loader_strategy
    return FileWorkloads(settings.model_dir, loader, settings.cwd, settings.environ)


def lock_holder(settings: Settings) -> LockHolder | None:
    """Tell who owns the database now, or None.

    Raises:
        StoreError: The lock file cannot be opened.
    """
    return holder(settings.db_path)


def running_engine(settings: Settings) -> str | None:
    """Name the socket of the engine that owns the database now, or None.

    Raises:
        StoreError: The lock file cannot be opened.
    """
    held = lock_holder(settings)
    return None if held is None else held.socket


def ladder() -> Drivers:
    """The sandbox drivers that this version has, lowest level first."""
    return (ProcessDriver(), LandlockDriver(), BubblewrapDriver())


async def probe_sandboxes() -> tuple[ProbeReport, ...]:
    """Try every sandbox driver of this machine by really running something in it."""
    return tuple([await driver.probe() for driver in ladder()])


def demo_target() -> Path:
    """Where the shipped demo epic lies."""
    return demo_dir() / "epics" / "demo.json"
