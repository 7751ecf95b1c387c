"""A call that was started and has no receipt: carrying out what its tool declares about that."""

from __future__ import annotations

from typing import Any

import anyio

from orket.domain.errors import SandboxError, ToolError
from orket.domain.tools import Finding
from orket.services.tools.tool import Arguments, Probed, Tool, ToolContext, bounded
from orket.services.tools.workbench import Workbench

PROBE_S = 30.0
COMPENSATE_S = 120.0
EVIDENCE_CHARS_MAX = 1_000


async def probe(tool: Tool[Any], context: ToolContext, workbench: Workbench) -> Probed:
    """Look whether an earlier attempt has acted; whatever keeps it from looking makes it unknown."""
    if tool.probe is None:
        return _unknown(f"{tool.spec.name} has no probe")
    given: Arguments
    try:
        given = tool.decode(context.call.arguments_json)
        with anyio.fail_after(PROBE_S):
            seen = await tool.probe(given, context, workbench)
    except TimeoutError:
        return _unknown(f"the probe did not end within {PROBE_S:g} s")
    except (ToolError, SandboxError) as error:
        return _unknown(f"the probe failed: {error.detail}")
    return Probed(finding=seen.finding, evidence=bounded(seen.evidence, EVIDENCE_CHARS_MAX))


async def compensate(tool: Tool[Any], context: ToolContext, workbench: Workbench) -> str:
    """Undo what earlier attempts did; return why that is not certain, or an empty text."""
    if tool.compensate is None:
        return f"{tool.spec.name} has no compensation"
    try:
        with anyio.fail_after(COMPENSATE_S):
            await tool.compensate(tool.decode(context.call.arguments_json), context, workbench)
    except TimeoutError:
        return f"the compensation did not end within {COMPENSATE_S:g} s"
    except (ToolError, SandboxError) as error:
        return bounded(f"the compensation failed: {error.detail}", EVIDENCE_CHARS_MAX)
    return ""


def _unknown(evidence: str) -> Probed:
    return Probed(finding=Finding.UNKNOWN, evidence=bounded(evidence, EVIDENCE_CHARS_MAX))
