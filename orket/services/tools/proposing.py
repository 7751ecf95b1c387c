"""Tools that only propose: what they do is what is recorded of their answer, and nothing else."""

from __future__ import annotations

import attrs

from orket.domain.tools import Permission, Recovery, ToolResult
from orket.services.tools.tool import A, Proposal, Tool, ToolContext, declare
from orket.services.tools.workbench import Workbench


def declare_proposal(
    propose: Proposal[A],
    arguments: type[A],
    *,
    name: str,
    description: str,
    permissions: tuple[Permission, ...],
) -> Tool[A]:
    """Make a tool from a function that only answers: it waits for nothing and acts on nothing.

    Its answer may propose changes of cards; who owns the cards judges and records them. So whoever works on a
    card may make such a call itself, and record intent, receipt and changes together: as long as they are not
    recorded, nothing has happened. It raises ``ToolError`` when the call cannot be done.
    """

    async def effect(args: A, context: ToolContext, workbench: Workbench) -> ToolResult:
        return propose(args, context)

    declared = declare(
        effect,
        arguments,
        name=name,
        description=description,
        permissions=permissions,
        recovery=Recovery.IDEMPOTENT,
    )
    return attrs.evolve(declared, propose=propose)
