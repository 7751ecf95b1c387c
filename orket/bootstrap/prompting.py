"""Looking at prompts and at the project's memory, beside whoever owns the database."""

from __future__ import annotations

from orket.bootstrap.database import open_reader
from orket.bootstrap.house import House, plugins
from orket.decision_nodes.prompt_account import PromptPreview
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.errors import CardNotFound, RunConflict
from orket.domain.identifiers import BlobId, CardId
from orket.domain.memory import Memory
from orket.domain.runs import RunState
from orket.orchestration.prompt_preview import preview
from orket.services.tools.toolbox import TOOLBOX
from orket.settings import Settings


async def preview_prompt(settings: Settings, state: RunState, card_id: CardId) -> PromptPreview:
    """Work out what the next turn of a card would send.

    Raises:
        CardNotFound, RunConflict: There is no such issue, or no prompt follows.
        SettingsError: A decision node of the run is not known here.
        StoreError: There is no database, or it cannot be read.
    """
    if state.accepted is None:
        raise CardNotFound(f"run {state.run_id} has no cards")
    nodes = House(NodeRegistry(plugins()), settings).nodes(state.accepted.workload.organization)
    tools = tuple(tool.spec for tool in TOOLBOX.values())
    async with open_reader(settings) as ledger:
        return await preview(nodes, ledger, state, card_id, tools)


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
