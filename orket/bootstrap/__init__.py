"""The composition root: the only place where ports meet adapters.

``open_orket`` takes the database's lock, opens the ledger, starts the actor system with its three actors
under one supervisor, and hands out what the ways in may hold.
"""

from orket.bootstrap.house import House, demo_target, plugins, select_nodes
from orket.bootstrap.keys import make_key, open_keys
from orket.bootstrap.reading import lock_holder, open_reader, running_engine
from orket.bootstrap.root import Root
from orket.bootstrap.rungs import ladder, probe_sandboxes
from orket.bootstrap.running import Orket, open_orket

__all__ = [
    "House",
    "Orket",
    "Root",
    "demo_target",
    "ladder",
    "lock_holder",
    "make_key",
    "open_keys",
    "open_orket",
    "open_reader",
    "plugins",
    "probe_sandboxes",
    "running_engine",
    "select_nodes",
]
