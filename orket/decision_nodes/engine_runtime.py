"""``engine_runtime_node``: the engine's own choices. It is selected before an organization is known."""

from __future__ import annotations

from orket.decision_nodes import house_rules as rules
from orket.domain.assets import Organization
from orket.domain.identifiers import sanitise


class DefaultEngineRuntime:
    """A workspace of the engine's own per run, and at most 16 open runs (``process_rules.runs_max``)."""

    def workspace(self, run_id: str, requested: str, data_dir: str) -> str:
        """Name a run's workspace: the requested one, else ``<data_dir>/workspaces/<run_id>``."""
        return requested or f"{data_dir.rstrip('/')}/workspaces/{sanitise(run_id)}"

    def runs_max(self, organization: Organization) -> int:
        """Set how many runs may be open at a time.

        Raises:
            SettingsError: The process rule is not a number from 1 to 1,000.
        """
        return rules.number(organization, rules.RUNS)
