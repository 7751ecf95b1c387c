"""The gate's side of a tool call: what a tool declares in this house, and the verdict on a call.

Everything here is decided in one step and acts on nothing. An actor of its own carries out what acts; whoever
works on a card makes calls that only propose here, as part of its own work.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

import attrs

from orket.decision_nodes.decisions import GateInput, RecoveryNode, ToolGate, ToolStrategy
from orket.decision_nodes.house_rules import forbidden_types
from orket.domain.assets import Role
from orket.domain.errors import ToolError
from orket.domain.tools import GateDecision, Recovery, ToolCall, ToolResult, ToolSpec, Verdict, failed
from orket.services.tool_messages import CallContext, CallOutcome
from orket.services.tools.tool import ToolContext, bounded
from orket.services.tools.toolbox import Toolbox

MESSAGE_CHARS_MAX = 4_000
VOID_APPROVAL = "approval"


class CallNodes(Protocol):
    """The decision nodes a call needs, as an organization selects them."""

    @property
    def tool_strategy(self) -> ToolStrategy:
        """Which tools a seat is offered, under which declaration."""
        ...

    @property
    def tool_gate(self) -> ToolGate:
        """Whether a call may act."""
        ...

    @property
    def recovery(self) -> RecoveryNode:
        """What to do with a call in doubt."""
        ...


@attrs.define
class Judge:
    """Judges the calls of one seat in one house; remembers what the tools declare there.

    ``toolbox`` holds the tools it knows; a call of any other is denied.
    """

    toolbox: Toolbox
    nodes: CallNodes
    _declared: dict[str, ToolSpec | None] = attrs.field(factory=dict)

    def declaration(self, tool: str, given: CallContext) -> ToolSpec | None:
        """Find the tool's declaration as the tool strategy adjusts it here; None for an unknown tool."""
        if tool not in self._declared:
            self._declared[tool] = self._declaration(tool, given)
        return self._declared[tool]

    def judge(self, call: ToolCall, given: CallContext) -> GateDecision:
        """Say whether a call may act; one whose arguments are no JSON object is denied unseen."""
        arguments, complaint = _arguments(call.arguments_json)
        return complaint or self.nodes.tool_gate.judge(
            GateInput(
                call=call,
                arguments=arguments,
                spec=self.declaration(call.tool, given),
                seat=given.seat,
                roles=given.roles,
                role_tools=given.role_tools,
                card=given.card,
                verification=given.verification,
                policy=given.organization.policy,
                idesign=given.idesign,
                forbidden_types=forbidden_types(given.organization),
            )
        )

    def proposes(self, tool: str) -> bool:
        """Tell whether a call of this tool acts on nothing, so that it needs no actor of its own."""
        known = self.toolbox.get(tool)
        return known is not None and known.propose is not None

    def propose(self, call: ToolCall, given: CallContext) -> tuple[CallOutcome, Recovery]:
        """Judge and make the first attempt of a call that only proposes (``proposes``).

        Nothing has happened before the intent, with the recovery it names, and the receipt are recorded.
        """
        decision, spec = self.judge(call, given), self.declaration(call.tool, given)
        result: ToolResult | None = None
        if decision.verdict is Verdict.ALLOW:
            result = self._proposed(call, given)
        elif decision.verdict is Verdict.DENY:
            result = denied(decision)
        outcome = CallOutcome(call_id=call.id, decision=decision, result=result)
        return outcome, Recovery.ASK_HUMAN if spec is None else spec.recovery

    def _proposed(self, call: ToolCall, given: CallContext) -> ToolResult:
        tool = self.toolbox[call.tool]
        assert tool.propose is not None
        try:
            return tool.propose(tool.decode(call.arguments_json), ToolContext(call=call, given=given))
        except ToolError as error:
            return refused(error)

    def _declaration(self, tool: str, given: CallContext) -> ToolSpec | None:
        if (known := self.toolbox.get(tool)) is None:
            return None
        role, house = Role(name=given.seat, tools=(tool,)), given.organization
        offered = self.nodes.tool_strategy.compose((known.spec,), role, house)
        return next((spec for spec in offered if spec.name == known.spec.name), known.spec)


def denied(decision: GateDecision, *, may_have_acted: bool = False) -> ToolResult:
    """Word a denial for the model."""
    text = f"denied by {decision.rule}: {decision.reason}"
    if decision.rule == VOID_APPROVAL:
        return failed(bounded(text, MESSAGE_CHARS_MAX), code=VOID_APPROVAL, hint="make the call again to ask")
    if may_have_acted:
        text += " (an earlier attempt of this call may have acted)"
    return failed(bounded(text, MESSAGE_CHARS_MAX), code="denied")


def refused(error: ToolError) -> ToolResult:
    """Word for the model that its call cannot be done."""
    return failed(bounded(error.detail, MESSAGE_CHARS_MAX), code=error.code, hint=error.hint)


def _arguments(text: str) -> tuple[Mapping[str, object], GateDecision | None]:
    """Read the arguments; what is no JSON object is denied before anybody looks into it."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, _no_object(f"the arguments are not JSON: {error}")
    if not isinstance(found, dict):
        return {}, _no_object(f"the arguments must be a JSON object, not {type(found).__name__}")
    return found, None


def _no_object(reason: str) -> GateDecision:
    return GateDecision(verdict=Verdict.DENY, rule="arguments", reason=reason)
