"""Work for a simulated engine, without files: issues, a team of a builder and a guard, house rules."""

from __future__ import annotations

from typing import Any

import attrs

from orket.domain.assets import GUARD_ROLE, Environment, Epic, Organization, Role, Seat, Team, Workload
from orket.domain.cards import Card, CardType
from orket.domain.identifiers import CardId

BUILDER, GUARD = "builder", "guard"
#: The only rung of the ladder that a simulated engine has.
LEVEL = "simulated"
TOOLS = (
    "read_file",
    "write_file",
    "list_directory",
    "update_issue_status",
    "add_issue_comment",
    "get_issue_context",
    "create_issue",
    "run_command",
)


def issue(key: str, *needs: str, **more: Any) -> Card:
    """Write one issue for the builder.

    Args:
        key: Its id.
        needs: Ids of the issues it depends on.
        more: Other fields of ``Card``.
    """
    needed = tuple(map(CardId, needs))
    return Card(id=CardId(key), **{"name": f"Write {key}", "seat": BUILDER, "depends_on": needed, **more})


def workload(
    *issues: Card,
    name: str = "work",
    rules: tuple[tuple[str, str], ...] = (),
    tools: tuple[str, ...] = TOOLS,
    **house: Any,
) -> Workload:
    """Put issues into one epic.

    Args:
        issues: Its cards, see ``issue``.
        name: The epic's name; what ``StartRun`` calls its target.
        rules: The organization's process rules: ``(("planner_node", "mine"),)`` selects a decision node.
        tools: What builder and guard may use.
        house: Other fields of ``Organization``.
    """
    card = Card(id=CardId(f"EPIC-{name}"), name=name, type=CardType.EPIC)
    organization = {"name": "Test house", "sandbox_levels": (LEVEL,), "process_rules": rules, **house}
    roles = (
        Role(name="builder_role", description="builds", tools=tools),
        Role(name=GUARD_ROLE, description="reviews", tools=tools),
    )
    seats = (
        Seat(key=BUILDER, name="Builder", roles=("builder_role",)),
        Seat(key=GUARD, name="Guard", roles=(GUARD_ROLE,)),
    )
    epic = Epic(
        card=card,
        team=Team(name="pair", seats=seats),
        environment=Environment(name=name, model="simulated"),
        issues=tuple(attrs.evolve(one, parent_id=card.id) for one in issues),
        idesign=False,
    )
    return Workload(
        target=name,
        organization=Organization(**organization),
        epics=(epic,),
        roles=roles,
        dialects=(),
    )
