"""``/v1/policies``: what decides in this house."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation
from orket.wire.policies import PoliciesView, RuleView, node_view


async def show(bridge: Bridge, request: Request) -> Response:
    """Show the selected nodes and the tool policy."""
    running = bridge.running
    house = running.organization
    rules = (RuleView(effect=one.effect, tool=one.tool, path=one.path, seat=one.seat) for one in house.policy)
    nodes = map(node_view, running.nodes.selections)
    levels = running.nodes.sandbox_policy.levels(house)
    return json_response(
        PoliciesView(organization=house.name, nodes=tuple(nodes), policy=tuple(rules), sandbox_levels=levels)
    )


OPERATIONS = (
    Operation(
        name="getPolicies",
        method="GET",
        path="/v1/policies",
        summary="What decides: selected nodes, tool policy, sandbox levels",
        handler=show,
        answers=(Answer(status=200, description="As selected for this engine.", body=PoliciesView),),
        problems=READS,
        tag="policies",
    ),
)
