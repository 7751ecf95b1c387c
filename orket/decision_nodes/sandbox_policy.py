"""``sandbox_policy_node``: the levels a run may use, its sandbox's name, the bounds of a command."""

from __future__ import annotations

import hashlib

from orket.decision_nodes import house_rules as rules
from orket.decision_nodes.project_policy import ProjectPolicy
from orket.domain.assets import Organization
from orket.domain.identifiers import sanitise
from orket.domain.sandboxes import Limits

DEFAULT_LEVELS = ("bubblewrap",)


class DefaultSandboxPolicy(ProjectPolicy):
    """Only ``bubblewrap``, unless the organization allows other levels by name.

    ``process_rules`` may set ``command_wall_s`` (60), ``command_cpu_s`` (60), ``command_output_bytes``
    (64 KiB) and ``command_memory_bytes`` (2 GiB). For project sandboxes see ``ProjectPolicy``.
    """

    def levels(self, organization: Organization) -> tuple[str, ...]:
        """List driver names, the wanted one first, each once."""
        return tuple(dict.fromkeys(organization.sandbox_levels)) or DEFAULT_LEVELS

    def sandbox_id(self, run_id: str) -> str:
        """Name the sandbox of a run; different runs never share a name.

        A run id that is no plain lower-case name keeps its readable part and gets 8 digits of its hash.
        """
        plain = sanitise(run_id)
        if plain != run_id:
            plain = f"{plain}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
        return f"sandbox-{plain}"

    def limits(self, organization: Organization) -> Limits:
        """Set the bounds of one command.

        Raises:
            SettingsError: A process rule is not a number in its range; admission refuses such a run.
        """
        return Limits(
            wall_s=float(rules.number(organization, rules.COMMAND_WALL_S)),
            cpu_s=rules.number(organization, rules.COMMAND_CPU_S),
            output_bytes=rules.number(organization, rules.COMMAND_OUTPUT_BYTES),
            memory_bytes=rules.number(organization, rules.COMMAND_MEMORY_BYTES),
        )
