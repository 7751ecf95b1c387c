"""The resources of the bridge, one file each; ``OPERATIONS`` is all of them."""

from __future__ import annotations

from orket.interfaces.routes import (
    approvals,
    budgets,
    cards,
    catalog,
    contents,
    heartbeat,
    keys,
    ledger,
    metrics,
    operations,
    policies,
    run_calls,
    run_card,
    run_commands,
    run_events,
    run_turns,
    runs,
    sandboxes,
    system,
    workspaces,
)

OPERATIONS = (
    *runs.OPERATIONS,
    *run_events.OPERATIONS,
    *run_calls.OPERATIONS,
    *run_turns.OPERATIONS,
    *run_card.OPERATIONS,
    *run_commands.OPERATIONS,
    *workspaces.OPERATIONS,
    *approvals.OPERATIONS,
    *budgets.OPERATIONS,
    *cards.OPERATIONS,
    *operations.OPERATIONS,
    *sandboxes.OPERATIONS,
    *policies.OPERATIONS,
    *ledger.OPERATIONS,
    *contents.OPERATIONS,
    *keys.OPERATIONS,
    *system.OPERATIONS,
    *heartbeat.OPERATIONS,
    *metrics.OPERATIONS,
    *catalog.OPERATIONS,
)
