"""``tool_strategy_node``: which of the installed tools a seat is offered."""

from __future__ import annotations

import attrs

from orket.domain.assets import Organization, Role
from orket.domain.tools import Recovery, ToolSpec

COMMAND_TOOL = "run_command"


class DefaultToolStrategy:
    """The installed tools that the role lists, in the role's order, each once; an empty list offers none.

    The organization's ``sandbox.command_recovery`` replaces the declared recovery of ``run_command``:
    only the house can know whether the commands that its agents run may be repeated. A word that is no
    recovery changes nothing, so the careful declaration stays.
    """

    def compose(
        self, installed: tuple[ToolSpec, ...], role: Role, organization: Organization
    ) -> tuple[ToolSpec, ...]:
        """Choose and adjust."""
        known = {spec.name: spec for spec in installed}
        return tuple(
            _adjusted(known[name], organization) for name in dict.fromkeys(role.tools) if name in known
        )


def _adjusted(spec: ToolSpec, organization: Organization) -> ToolSpec:
    if spec.name != COMMAND_TOOL or organization.command_recovery not in {*Recovery}:
        return spec
    return attrs.evolve(spec, recovery=Recovery(organization.command_recovery))
