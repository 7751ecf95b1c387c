"""What decides, on the wire: the nodes that are selected and the house's tool policy."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from orket.decision_nodes.selection import Selection


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """One family of decision nodes, and which of it is selected."""

    family: Annotated[str, Meta(examples=["planner_node"])]
    name: Annotated[str, Meta(examples=["default"])]
    by: Annotated[Literal["default", "process_rules", "environment"], Meta(description="Who selected it.")]


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the tool policy; all patterns must match."""

    effect: Annotated[str, Meta(examples=["ask"])]
    tool: Annotated[str, Meta(examples=["run_command"])]
    path: Annotated[str, Meta(examples=["src/*"])]
    seat: Annotated[str, Meta(examples=["*"])]


class PoliciesView(msgspec.Struct, frozen=True, kw_only=True):
    """What decides in this house; a run keeps the policy it was accepted with."""

    organization: str
    nodes: tuple[NodeView, ...]
    policy: Annotated[tuple[RuleView, ...], Meta(description="In file order; deny wins over ask over allow.")]
    sandbox_levels: Annotated[tuple[str, ...], Meta(description="The sandboxes that may be used, in order.")]


def node_view(one: Selection) -> NodeView:
    """Show a selection."""
    return NodeView(family=one.family, name=one.name, by=one.by.value)
