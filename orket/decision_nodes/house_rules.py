"""Numbers among the organization's ``process_rules``: read strictly, bounded, with a default."""

from __future__ import annotations

import attrs

from orket.domain.assets import Organization
from orket.domain.bug_fixing import BugFixRules
from orket.domain.errors import SettingsError


@attrs.frozen
class NumberRule:
    """A process rule that is a whole number: its key, its default, the largest and smallest values."""

    key: str
    default: int
    most: int
    least: int = 1


PARALLEL = NumberRule("parallel", 3, 64)
TURNS_PER_ASSIGNMENT = NumberRule("turns_per_assignment_max", 8, 100)
TURNS_PER_CARD = NumberRule("turns_per_card_max", 60, 1_000)
CALLS_PER_TURN = NumberRule("calls_per_turn_max", 10, 100)
FAULTS_PER_CARD = NumberRule("faults_per_card_max", 3, 100)
RUNS = NumberRule("runs_max", 16, 1_000)
COMMAND_WALL_S = NumberRule("command_wall_s", 60, 3_600)
COMMAND_CPU_S = NumberRule("command_cpu_s", 60, 3_600)
COMMAND_OUTPUT_BYTES = NumberRule("command_output_bytes", 65_536, 16 * 1024 * 1024)
COMMAND_MEMORY_BYTES = NumberRule("command_memory_bytes", 2 * 1024**3, 256 * 1024**3)
APPROVAL_TTL_S = NumberRule("approval_ttl_s", 86_400, 31 * 86_400)
RECALLED = NumberRule("memories_recalled_max", 5, 20, 0)
PROMPT_TOKENS = NumberRule("prompt_tokens_max", 16_000, 1_000_000, 500)
PROJECT_CREATE_S = NumberRule("project_create_s", 900, 7_200)
PROJECT_READY_S = NumberRule("project_ready_s", 120, 3_600)
PROJECT_LEASE_S = NumberRule("project_lease_s", 8 * 3_600, 31 * 86_400)
PROJECT_LOG_LINES = NumberRule("project_log_lines", 100, 10_000)
BUG_FIX_INITIAL_DAYS = NumberRule("bug_fix_initial_days", 7, 365)
BUG_FIX_MAX_DAYS = NumberRule("bug_fix_max_days", 28, 365)
BUG_HIGH_RATE = NumberRule("bug_discovery_high_rate", 5, 1_000, 0)
BUG_CRITICAL = NumberRule("bug_critical_threshold", 3, 1_000, 0)

FORBIDDEN_TYPES = "forbidden_file_types"

NUMBER_RULES = (
    PARALLEL,
    TURNS_PER_ASSIGNMENT,
    TURNS_PER_CARD,
    CALLS_PER_TURN,
    FAULTS_PER_CARD,
    RUNS,
    COMMAND_WALL_S,
    COMMAND_CPU_S,
    COMMAND_OUTPUT_BYTES,
    COMMAND_MEMORY_BYTES,
    APPROVAL_TTL_S,
    RECALLED,
    PROMPT_TOKENS,
    PROJECT_CREATE_S,
    PROJECT_READY_S,
    PROJECT_LEASE_S,
    PROJECT_LOG_LINES,
    BUG_FIX_INITIAL_DAYS,
    BUG_FIX_MAX_DAYS,
    BUG_HIGH_RATE,
    BUG_CRITICAL,
)


def number(organization: Organization, rule: NumberRule) -> int:
    """Read a whole-number rule, or its default when the organization does not set it.

    Raises:
        SettingsError: The value is not a whole number from ``rule.least`` to ``rule.most``.
    """
    text = organization.rule(rule.key)
    if text is None:
        return rule.default
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 18 and rule.least <= int(digits) <= rule.most:
        return int(digits)
    wanted = f"a whole number from {rule.least} to {rule.most}"
    raise SettingsError(f"process_rules.{rule.key}: {text!r} is not {wanted}")


def unusable(organization: Organization) -> str:
    """Say which number rule cannot be used, in one sentence, or return an empty text."""
    for rule in NUMBER_RULES:
        try:
            number(organization, rule)
        except SettingsError as error:
            return error.detail
    return ""


def bug_fix_rules(organization: Organization) -> BugFixRules:
    """Read how long a bug-fix phase lasts.

    Raises:
        SettingsError: A rule is not a whole number in its range; admission refuses such a run.
    """
    return BugFixRules(
        initial_days=number(organization, BUG_FIX_INITIAL_DAYS),
        max_days=number(organization, BUG_FIX_MAX_DAYS),
        high_rate=number(organization, BUG_HIGH_RATE),
        critical_max=number(organization, BUG_CRITICAL),
    )


def forbidden_types(organization: Organization) -> tuple[str, ...]:
    """Read ``forbidden_file_types``: endings, separated by commas or spaces, with or without their dot."""
    words = (organization.rule(FORBIDDEN_TYPES) or "").replace(",", " ").split()
    return tuple("." + one.lstrip("*").lstrip(".").casefold() for one in words if one.strip("*."))
