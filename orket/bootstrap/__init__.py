"""The composition root: the only place where ports meet adapters.

``open_orket`` takes the database's lock, opens the ledger, starts the actor system with its three actors
under one supervisor, and hands out what the ways in may hold.
"""

from orket.bootstrap.database import (
    back_up_database,
    export_ledger,
    inspect_database,
    lock_holder,
    migrate_database,
    open_reader,
    running_engine,
    verify_exported,
    verify_ledger,
)
from orket.bootstrap.house import House, demo_target, ladder, plugins, probe_sandboxes, select_nodes
from orket.bootstrap.keys import make_key, open_keys
from orket.bootstrap.prompting import (
    preview_first_prompt,
    preview_prompt,
    search_memory,
    sent_prompt,
)
from orket.bootstrap.root import Root
from orket.bootstrap.running import Orket, open_orket, replay_run
from orket.bootstrap.workspaces import list_workspace, open_workspaces, read_workspace, workspace_place

__all__ = [
    "House",
    "Orket",
    "Root",
    "back_up_database",
    "demo_target",
    "export_ledger",
    "inspect_database",
    "ladder",
    "list_workspace",
    "lock_holder",
    "make_key",
    "migrate_database",
    "open_keys",
    "open_orket",
    "open_reader",
    "open_workspaces",
    "plugins",
    "preview_first_prompt",
    "preview_prompt",
    "probe_sandboxes",
    "read_workspace",
    "replay_run",
    "running_engine",
    "search_memory",
    "select_nodes",
    "sent_prompt",
    "verify_exported",
    "verify_ledger",
    "workspace_place",
]
