"""The resources of the bridge, one file each; ``OPERATIONS`` is all of them."""

from __future__ import annotations

from orket.interfaces.routes import (
    approvals,
    cards,
    catalog,
    keys,
    ledger,
    metrics,
    operations,
    run_calls,
    run_commands,
    run_events,
    runs,
    system,
)

OPERATIONS = (
    *runs.OPERATIONS,
    *run_events.OPERATIONS,
    *run_calls.OPERATIONS,
    *run_commands.OPERATIONS,
    *approvals.OPERATIONS,
    *cards.OPERATIONS,
    *operations.OPERATIONS,
    *ledger.OPERATIONS,
    *keys.OPERATIONS,
    *system.OPERATIONS,
    *metrics.OPERATIONS,
    *catalog.OPERATIONS,
)
