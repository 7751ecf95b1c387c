"""The shape of each asset file, key by key; what the values mean is checked by who reads them.

A key that nobody knows is tolerated (older files carry many), unless it looks like a misspelt key that is
known: ``depend_on`` silently ignored would start work too early. Aliases are fields of their own, so that
an error points at the key the file really has.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from orket.infrastructure.assets.documents import Document, pointer_to

S = TypeVar("S", bound=msgspec.Struct)
JsonObject = dict[str, object]

# Keys that older files carry and no rule reads.
_TOLERATED = frozenset(
    {"sequence", "quality_assessment", "governance", "model", "schema_version", "created_at", "tags"}
)
_ALIKE = 0.8
_WHERE = re.compile(r"^(?P<what>.*?) - at `(?:key in )?\$(?P<path>[^`]*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(.*)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class CardShape(msgspec.Struct, frozen=True, kw_only=True):
    """What every card may have."""

    id: str | None = None
    name: str | None = None
    summary: str | None = None
    type: str | None = None
    status: str | None = None
    description: str | None = None
    requirements: str | list[str] | None = None
    priority: float | str | None = None
    wait_reason: str | None = None
    note: str | None = None
    parent_id: str | None = None
    build_id: str | None = None
    owner_department: str | None = None
    labels: list[str] | None = None
    params: JsonObject | None = None
    references: list[str] | None = None
    metrics: object = None
    budget: JsonObject | None = None


class BudgetShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be spent on a card and all below it; nothing unknown, for a bound that is not read is none."""

    turns: int | None = None
    tokens: int | None = None
    tool_calls: int | None = None
    wall_s: float | None = None
    output_bytes: int | None = None
    cost: float | None = None


class IssueShape(CardShape, frozen=True, kw_only=True):
    """An issue; ``team`` and ``environment`` only when it is a file of its own."""

    seat: str = "standard"
    assignee: str | None = None
    sprint: str | None = None
    depends_on: list[str] | None = None
    retry_count: int = 0
    max_retries: int = 3
    verification: JsonObject | None = None
    team: str | None = None
    environment: str | None = None
    architecture_governance: JsonObject | None = None


class VerificationShape(msgspec.Struct, frozen=True, kw_only=True):
    """An issue's verification."""

    fixture_path: str | None = None
    verification_fixture: str | None = None
    scenarios: list[object] | None = None
    last_run: object = None
    last_verification: object = None


class ScenarioShape(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario; what came of an earlier run is not read."""

    id: str | None = None
    description: str | None = None
    input_data: object = msgspec.field(default_factory=dict)
    expected_output: object = None
    actual_output: object = None
    status: str | None = None


class EpicShape(CardShape, frozen=True, kw_only=True):
    """An epic; exactly one of the four lists holds its issues."""

    team: str
    environment: str
    issues: list[object] | None = None
    stories: list[object] | None = None
    cards: list[object] | None = None
    tracs: list[object] | None = None
    architecture_governance: JsonObject | None = None
    iterations: int = 1
    handshake_enabled: bool = False
    example_task: object = None
    lessons_learned: object = None


class GovernanceShape(msgspec.Struct, frozen=True, kw_only=True):
    """Which architecture rules an epic is held to."""

    idesign: bool = True
    pattern: str | None = None
    reasoning: str | None = None


class RockShape(CardShape, frozen=True, kw_only=True):
    """A rock and its epics, in the order they run."""

    epics: list[object]
    task: object = None
    lessons_learned: object = None


class EntryShape(msgspec.Struct, frozen=True, kw_only=True):
    """One epic of a rock, by file name."""

    epic: str
    department: str | None = None


class RoleShape(CardShape, frozen=True, kw_only=True):
    """A role, in a file of its own or inline in a team."""

    prompt: str | None = None
    intent: str | None = None
    responsibilities: list[str] | None = None
    constraints: list[str] | None = None
    tools: list[str] | None = None
    policy: object = None
    capabilities: JsonObject | None = None


class CapabilitiesShape(msgspec.Struct, frozen=True, kw_only=True):
    """What kinds of issue a role takes."""

    issue_types: list[str] | None = None


class TeamShape(msgspec.Struct, frozen=True, kw_only=True):
    """A team."""

    seats: JsonObject
    id: str | None = None
    name: str | None = None
    description: str | None = None
    roles: JsonObject | None = None


class SeatShape(msgspec.Struct, frozen=True, kw_only=True):
    """A seat and who sits on it."""

    roles: list[str]
    name: str | None = None


class DialectShape(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect."""

    model_family: str
    dsl_format: str | None = None
    constraints: list[str] | None = None
    hallucination_guard: str | None = None


class EnvironmentShape(msgspec.Struct, frozen=True, kw_only=True):
    """An environment."""

    name: str | None = None
    description: str | None = None
    model: str | None = None
    temperature: float = 0.0
    seed: int | None = None
    timeout: float = 300.0
    params: JsonObject | None = None
    price: JsonObject | None = None


class PriceShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a million tokens cost, in any currency; budgets are in the same one."""

    input: float = 0.0
    output: float = 0.0


class OrganizationShape(msgspec.Struct, frozen=True, kw_only=True):
    """An organization, in one file or merged from two."""

    id: str | None = None
    name: str | None = None
    vision: str | None = None
    ethos: str | None = None
    departments: list[str] | None = None
    architecture: JsonObject | None = None
    process_rules: JsonObject | None = None
    sandbox: JsonObject | None = None
    policy: list[object] | None = None
    branding: object = None
    contact: object = None
    bottleneck_thresholds: JsonObject | None = None
    mcp: JsonObject | None = None


class ArchitectureShape(msgspec.Struct, frozen=True, kw_only=True):
    """The organization's architecture rules."""

    idesign_threshold: int = 7
    preferred_stack: object = None
    cicd_rules: object = None


class BottleneckShape(msgspec.Struct, frozen=True, kw_only=True):
    """From where on waiting cards are a bottleneck; hours, numbers of cards, and one share from 0 to 1."""

    resource_normal: int = 3
    resource_warning: int = 10
    resource_critical: int = 11
    dependency_warning_pct: float = 0.5
    human_attention_threshold: int = 1
    blocked_duration_hours: float = 24.0
    review_duration_hours: float = 48.0
    wip_limit_per_seat: int = 3
    queue_depth_per_seat: int = 5


class SandboxShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sandboxes may be used; nothing unknown, for a rule that is not read protects nobody."""

    levels: list[str] | None = None
    command_recovery: str | None = None


class McpShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which MCP servers the house has."""

    servers: JsonObject | None = None


class McpServerShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One MCP server; nothing unknown, for a bound that is not read holds nothing."""

    command: list[str] | None = None
    url: str | None = None
    recovery: dict[str, str] | None = None
    timeout_s: float = 60.0


class PolicyShape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the tool policy; nothing unknown, for the same reason."""

    effect: str
    tool: str = "*"
    path: str = "*"
    seat: str = "*"


def shape(document: Document, pointer: str, value: object, expected: type[S]) -> S:
    """Give a JSON value its shape.

    Raises:
        AssetError: A value of the wrong type, a missing key, or a key that looks misspelt.
    """
    if isinstance(value, dict):
        check_keys(document, pointer, value, expected.__struct_encode_fields__)
    try:
        return msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        found = _WHERE.match(str(error))
        what, path = (found["what"], found["path"]) if found else (str(error), "")
        steps = [name or int(index) for name, index in _STEP.findall(path)]
        if unknown := _UNKNOWN.search(what):
            steps.append(unknown[1])
            what = f"unknown key {unknown[1]!r}; known: {', '.join(expected.__struct_encode_fields__)}"
        raise document.error(pointer + pointer_to(*steps), what) from error


def check_keys(document: Document, pointer: str, value: JsonObject, known: tuple[str, ...]) -> None:
    """Refuse a key that looks like a misspelt known key.

    Raises:
        AssetError: Naming the key that is probably meant.
    """
    for key in value:
        if key in known or key in _TOLERATED or key.startswith("_"):
            continue
        plain = key.casefold().replace("-", "_").replace(" ", "_")
        from difflib import get_close_matches  # only who has misspelt something waits for it

        if close := get_close_matches(plain[:64], known, 1, _ALIKE):
            reason = f"unknown key {key!r}: did you mean {close[0]!r}?"
            raise document.error(pointer + pointer_to(key), reason)
