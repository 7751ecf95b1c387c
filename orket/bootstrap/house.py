"""What this installation offers: decision nodes, models, asset files, the demo."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from actors import ActorSystem
from orket.bootstrap.entry_points import installed
from orket.decision_nodes.decisions import RetryPolicy
from orket.decision_nodes.registry import ENTRY_POINTS, NodeRegistry, Nodes, Plugin
from orket.domain.assets import Organization
from orket.domain.errors import SettingsError
from orket.domain.ports import ModelClient
from orket.domain.redaction import Redactor
from orket.infrastructure.assets import demo_dir
from orket.infrastructure.assets.workloads import FileWorkloads
from orket.infrastructure.models.recording import Recorder
from orket.infrastructure.models.selection import Opener, open_model
from orket.orchestration.live import Live
from orket.settings import Settings

REMEMBERED_MAX = 64


class House:
    """Selects decision nodes for organizations and opens models for runs; remembers both, bounded.

    ``live`` is where what the models are writing can be seen.
    """

    def __init__(self, registry: NodeRegistry, settings: Settings) -> None:
        self._registry, self._settings = registry, settings
        self.live = Live(Redactor(settings.secrets))
        self._recorder = None if settings.record is None else Recorder(settings.record)
        self._servers: Opener | None = None
        self._system: ActorSystem | None = None
        self._select = lru_cache(REMEMBERED_MAX)(self._resolve)
        self._open = lru_cache(REMEMBERED_MAX)(self._connect)

    def nodes(self, organization: Organization) -> Nodes:
        """Select the nodes of an organization.

        Raises:
            SettingsError: The rules or the environment name a node or a family that is not known.
        """
        return self._select(organization.process_rules)

    def move_in(self, system: ActorSystem) -> None:
        """Say where the servers of this machine shall live that are started for runs."""
        self._system = system

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
        return open_model(
            name,
            policy,
            adapter=adapter,
            cwd=settings.cwd,
            recorder=self._recorder,
            servers=self._open_servers,
        )

    def _open_servers(self) -> Opener:
        """Know the model servers; not before one is wanted, because it takes an HTTP client."""
        if self._servers is None:
            from orket.bootstrap.local_models import open_servers

            self._servers = open_servers(self._settings, self._system)
        return self._servers


def plugins() -> tuple[Plugin, ...]:
    """Find the decision nodes of installed packages: entry points named ``family.name``.

    Raises:
        SettingsError: An entry point is misnamed or cannot be loaded.
    """
    found = []
    for point in installed(ENTRY_POINTS):
        family, dot, name = point.name.partition(".")
        if not dot:
            raise SettingsError(f"entry point {point.name!r} of {ENTRY_POINTS}: name it 'family.name'")
        try:
            found.append((family, name, point.load()))
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"entry point {point.name!r} = {point.value}: {error}") from error
    return tuple(found)


def open_source(settings: Settings, registry: NodeRegistry) -> FileWorkloads:
    """Read workloads with the loader strategy that the environment selects.

    Raises:
        SettingsError: The environment names a node that is not known.
    """
    loader = registry.resolve_early(settings.environ).loader_strategy
    return FileWorkloads(settings.model_dir, loader, settings.cwd, settings.environ)


async def select_nodes(settings: Settings, registry: NodeRegistry | None = None) -> Nodes:
    """Select the decision nodes of the app, as its organization file and the environment say.

    Raises:
        SettingsError, AssetError: A node, a plugin or the organization file is not usable.
    """
    known = NodeRegistry(plugins()) if registry is None else registry
    return House(known, settings).nodes(await open_source(settings, known).organization())


def owner_of(settings: Settings) -> str:
    """Name a database for labels at a container engine, so that only its own engine touches what has them."""
    return hashlib.sha256(os.fsencode(os.path.realpath(settings.db_path))).hexdigest()[:16]


def demo_target() -> Path:
    """Where the shipped demo epic lies."""
    return demo_dir() / "epics" / "demo.json"
