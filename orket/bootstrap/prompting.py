"""Looking at prompts and at the project's memory, beside whoever owns the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orket.bootstrap.house import House, open_source, plugins
from orket.bootstrap.mcp import with_declared
from orket.bootstrap.reading import open_reader
from orket.bootstrap.tools import installed_tools
from orket.decision_nodes.prompt_account import PromptPreview
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.errors import CardNotFound, RunConflict
from orket.domain.identifiers import BlobId, CardId
from orket.domain.memory import Memory
from orket.domain.ports import LedgerReader
from orket.domain.runs import RunState
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import open_ledger as open_memory_ledger
from orket.orchestration.prompt_preview import planned, preview
from orket.settings import Settings


async def preview_prompt(
    settings: Settings, state: RunState, card_id: CardId, *, ledger: LedgerReader | None = None
) -> PromptPreview:
    """Work out what the next turn of a card would send.

    Args:
        settings: Select the decision nodes and tools, together with the run's organization.
        state: The run.
        card_id: The card.
        ledger: Where the project's memory is; by default the database of ``settings``, beside its owner.

    Raises:
        CardNotFound, RunConflict: There is no such issue, or no prompt follows.
        SettingsError: A decision node of the run is not known here.
        StoreError: The database cannot be read.
    """
    if state.accepted is None:
        raise CardNotFound(f"run {state.run_id} has no cards")
    registry = NodeRegistry(plugins())
    nodes = House(registry, settings).nodes(state.accepted.workload.organization)
    servers = await open_source(settings, registry).mcp_servers()
    toolbox = with_declared(settings, servers, installed_tools(settings))
    tools = tuple(tool.spec for tool in toolbox.values())
    if ledger is not None:
        return await preview(nodes, ledger, state, card_id, tools)
    async with _memory(settings) as memory:
        return await preview(nodes, memory, state, card_id, tools)


async def preview_first_prompt(settings: Settings, target: str, card_id: CardId) -> PromptPreview:
    """Work out what the first turn of a card would send if a run of ``target`` began now.

    Raises:
        AssetError, CardNotFound, DependencyCycle: The target cannot be run, or has no such issue.
        RunConflict, SettingsError, StoreError: As for ``preview_prompt``.
    """
    workload = await open_source(settings, NodeRegistry(plugins())).load(target)
    return await preview_prompt(settings, planned(workload, settings.model), card_id)


async def sent_prompt(settings: Settings, blob: BlobId) -> bytes:
    """Read a prompt that was sent, as it was recorded.

    Raises:
        RunConflict: It is not in the database any more.
        StoreError: There is no database, or it cannot be read.
    """
    async with open_reader(settings) as ledger:
        found = await ledger.blob(blob)
    if found is None:
        raise RunConflict(f"the prompt {blob} is not in the database")
    return found


async def search_memory(settings: Settings, query: str, *, limit: int) -> tuple[Memory, ...]:
    """Search what was remembered in all runs, the best first; without words the newest.

    Raises:
        StoreError: There is no database, or it cannot be read.
    """
    async with open_reader(settings) as ledger:
        return await ledger.recall(query, limit=limit)


@asynccontextmanager
async def _memory(settings: Settings) -> AsyncIterator[LedgerReader]:
    """Open the project's memory; where nothing was ever run there is nothing to recall."""
    if settings.db_path.exists():
        async with open_reader(settings) as reader:
            yield reader
    else:
        async with open_memory_ledger(SystemClock()) as nothing:
            yield nothing
