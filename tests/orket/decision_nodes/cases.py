"""A small house for decision nodes: a team of a builder and a guard, one epic, its tools."""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

from orket.decision_nodes.decisions import GateInput
from orket.domain.assets import Environment, Epic, Organization, PolicyRule, Role, Seat, Team, Workload
from orket.domain.cards import Card, CardStatus, CardType
from orket.domain.identifiers import CardId, RunId, call_id
from orket.domain.models import ModelReply, ProposedCall
from orket.domain.runs import CallState, TurnState
from orket.domain.tools import GateDecision, Permission, Recovery, ToolCall, ToolResult, ToolSpec, Verdict
from orket.domain.verification import VerificationResult
from tests.orket.domain.cases import card

RUN = RunId("run00001")
BUILDER = Role(
    name="builder_role",
    description="Writes small modules.",
    intent="Ship working code",
    responsibilities=("Write files",),
    constraints=("No network",),
    tools=("read_file", "write_file", "run_command", "update_issue_status", "create_issue"),
)
GUARD = Role(name="integrity_guard", description="Reviews.", tools=("read_file", "update_issue_status"))
BUILDER_SEAT = Seat(key="builder", name="Builder", roles=("builder_role",))
GUARD_SEAT = Seat(key="guard", name="Guard", roles=("integrity_guard",))
TEAM = Team(name="pair", seats=(BUILDER_SEAT, GUARD_SEAT))


def spec(
    name: str,
    properties: Mapping[str, object],
    *required: str,
    permissions: tuple[Permission, ...] = (),
    paths: tuple[str, ...] = (),
    recovery: Recovery = Recovery.ASK_HUMAN,
) -> ToolSpec:
    """Declare a tool."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ToolSpec(
        name=name,
        description=f"Does {name}.",
        parameters_json=json.dumps(schema, sort_keys=True, separators=(",", ":")),
        permissions=permissions,
        path_arguments=paths,
        recovery=recovery,
    )


TEXT = {"type": "string"}
TOOLS = {
    one.name: one
    for one in (
        spec("read_file", {"path": TEXT}, "path", permissions=(Permission.READ_FILES,), paths=("path",)),
        spec(
            "write_file",
            {"path": TEXT, "content": TEXT},
            "path",
            "content",
            permissions=(Permission.WRITE_FILES,),
            paths=("path",),
        ),
        spec(
            "run_command",
            {"argv": {"type": "array", "items": TEXT, "minItems": 1}},
            "argv",
            permissions=(Permission.RUN_COMMANDS,),
        ),
        spec(
            "update_issue_status",
            {"status": TEXT, "wait_reason": {"type": ["string", "null"]}, "issue_id": TEXT},
            "status",
            permissions=(Permission.CHANGE_CARDS,),
        ),
        spec(
            "create_issue",
            {"seat": TEXT, "summary": TEXT},
            "seat",
            "summary",
            permissions=(Permission.CHANGE_CARDS,),
        ),
    )
}


def call(tool: str, arguments: str = "{}", *, turn: int = 1, index: int = 0, ref: str = "") -> ToolCall:
    """Make a call of card A."""
    name = CardId("A")
    return ToolCall(
        id=call_id(RUN, name, turn, index),
        run_id=RUN,
        card_id=name,
        turn=turn,
        index=index,
        tool=tool,
        arguments_json=arguments,
        ref=ref,
    )


def asked(
    tool: str,
    arguments: Mapping[str, object] | None = None,
    *,
    on: Card | None = None,
    review: bool = False,
    role_tools: tuple[str, ...] | None = None,
    verification: VerificationResult | None = None,
    policy: tuple[PolicyRule, ...] = (),
    idesign: bool = True,
) -> GateInput:
    """Put a call of the builder (on review: of the guard) before the gate."""
    seat, role = (GUARD_SEAT, GUARD) if review else (BUILDER_SEAT, BUILDER)
    return GateInput(
        call=call(tool),
        arguments={} if arguments is None else arguments,
        spec=TOOLS.get(tool),
        seat=seat.key,
        roles=seat.roles,
        role_tools=role.tools if role_tools is None else role_tools,
        card=on or card("A", status=CardStatus.CODE_REVIEW if review else CardStatus.IN_PROGRESS),
        verification=verification,
        policy=policy,
        idesign=idesign,
    )


def answered(
    tool: str, result: ToolResult | None, *, arguments: str = "{}", index: int = 0, turn: int = 1
) -> CallState:
    """A call that was carried out."""
    decision = GateDecision(verdict=Verdict.ALLOW, rule="role_tools")
    made = call(tool, arguments, index=index, turn=turn)
    return CallState(call=made, decision=decision, attempts=1, result=result)


def taken(
    *calls: CallState,
    text: str = "",
    number: int = 1,
    seat: str = "builder",
    review: bool = False,
    note: str = "",
    outcome: str = "continue",
    error: str = "",
    error_code: str = "",
) -> TurnState:
    """A turn that has ended."""
    proposed = tuple(
        ProposedCall(name=one.call.tool, arguments_json=one.call.arguments_json) for one in calls
    )
    return TurnState(
        card_id=CardId("A"),
        turn=number,
        seat=seat,
        role="",
        review=review,
        model="any",
        reply=None if error else ModelReply(text=text, calls=proposed),
        error=error,
        error_code=error_code,
        calls=calls,
        outcome=outcome,
        note=note,
    )


def epic(*issues: Card, idesign: bool = True, model: str = "", params_json: str = "{}") -> Epic:
    """An epic of the pair."""
    return Epic(
        card=attrs.evolve(card("E"), type=CardType.EPIC, name="Ledger CLI", params_json=params_json),
        team=TEAM,
        environment=Environment(name="local", model=model),
        issues=issues or (card("A"),),
        idesign=idesign,
    )


def workload(*epics: Epic, organization: Organization | None = None) -> Workload:
    """Everything a run needs."""
    return Workload(
        target="ledger_cli",
        organization=organization or Organization(name="Acme", vision="Small tools", ethos="Careful"),
        epics=epics or (epic(),),
        roles=(BUILDER, GUARD),
        dialects=(),
    )
