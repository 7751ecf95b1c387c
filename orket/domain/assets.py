"""What the asset files mean once they are read: roles, teams, environments, organization, workload (11)."""

from __future__ import annotations

import attrs

from orket.domain.bottlenecks import BottleneckThresholds
from orket.domain.cards import Card
from orket.domain.identifiers import CardId

GUARD_ROLE = "integrity_guard"


@attrs.frozen(kw_only=True)
class Role:
    """What a seat's occupant is told and may use; an empty ``tools`` allows no tool."""

    name: str
    description: str = ""
    prompt: str = ""
    intent: str = ""
    responsibilities: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    issue_types: tuple[str, ...] = ("issue", "story", "bug", "task")


@attrs.frozen(kw_only=True)
class Seat:
    """A place in a team and the roles that sit on it."""

    key: str
    name: str
    roles: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Team:
    """The seats of a team."""

    name: str
    description: str = ""
    seats: tuple[Seat, ...] = ()

    def seat(self, key: str) -> Seat | None:
        """Find a seat by key, or None."""
        return next((one for one in self.seats if one.key == key), None)


@attrs.frozen(kw_only=True)
class Dialect:
    """How a family of models is asked to write its tool calls."""

    model_family: str
    dsl_format: str = ""
    constraints: tuple[str, ...] = ()
    hallucination_guard: str = ""


@attrs.frozen(kw_only=True)
class Environment:
    """Which model answers and how; ``timeout_s`` bounds one model call.

    The prices are per million tokens, in whatever currency budgets are given in.
    """

    name: str
    model: str = ""
    temperature: float = 0.0
    seed: int | None = None
    timeout_s: float = 300.0
    params_json: str = "{}"
    input_price: float = 0.0
    output_price: float = 0.0


@attrs.frozen(kw_only=True)
class PolicyRule:
    """One line of the tool policy: ``effect`` is ``allow``, ``ask`` or ``deny``.

    ``tool``, ``path`` and ``seat`` are shell-style patterns; all that are given must match.
    """

    effect: str
    tool: str = "*"
    path: str = "*"
    seat: str = "*"


@attrs.frozen(kw_only=True)
class Organization:
    """The house rules of a run.

    ``process_rules`` are ``(key, value)`` pairs in file order. ``sandbox_levels`` lists the sandbox
    drivers that may be used, the wanted one first, fallbacks after it, each by name.
    ``command_recovery`` overrides the declared recovery of ``run_command``.
    """

    name: str = "Orket"
    vision: str = ""
    ethos: str = ""
    departments: tuple[str, ...] = ("core",)
    idesign_threshold: int = 10
    process_rules: tuple[tuple[str, str], ...] = ()
    sandbox_levels: tuple[str, ...] = ()
    command_recovery: str = ""
    policy: tuple[PolicyRule, ...] = ()
    bottlenecks: BottleneckThresholds = attrs.field(factory=BottleneckThresholds)

    def rule(self, key: str) -> str | None:
        """Look up a process rule, the last of equal keys wins."""
        return dict(self.process_rules).get(key)


@attrs.frozen(kw_only=True)
class Epic:
    """An epic with everything its issues need, resolved: card, team, environment, issues."""

    card: Card
    team: Team
    environment: Environment
    issues: tuple[Card, ...]
    idesign: bool = True


@attrs.frozen(kw_only=True)
class Workload:
    """All a run needs, read and validated once, so that files may change while it runs.

    ``target`` is what the user named; ``only`` restricts the run to one issue of the (single) epic;
    ``rock`` is set when the target was a rock, whose epics run one after the other, in order.
    """

    target: str
    organization: Organization
    epics: tuple[Epic, ...]
    roles: tuple[Role, ...]
    dialects: tuple[Dialect, ...]
    rock: Card | None = None
    only: CardId | None = None

    def role(self, name: str) -> Role | None:
        """Find a role by name, or None."""
        return next((one for one in self.roles if one.name == name), None)

    def epic_of(self, card: Card) -> Epic:
        """The epic whose team works on ``card``.

        Raises:
            KeyError: No epic of this workload is the card's parent.
        """
        for epic in self.epics:
            if epic.card.id == card.parent_id:
                return epic
        raise KeyError(card.id)
