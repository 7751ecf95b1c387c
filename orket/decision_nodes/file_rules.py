"""What a person may save in a workspace: the gate's rules about files, without those about seats."""

from __future__ import annotations

from collections.abc import Sequence

from orket.decision_nodes.policy import rule_policy
from orket.decision_nodes.tool_gate import WRITE_BYTES_MAX
from orket.decision_nodes.workspace_paths import (
    VERIFICATION_DIR,
    holds_secrets,
    is_verification,
    normal,
    path_problem,
    plain_name,
)
from orket.domain.assets import PolicyRule
from orket.domain.tools import Verdict

TOOL = "write_file"
# A rule for all seats is one for a person too; a rule for a seat is about that seat.
_NOBODY = ""


def objection(path: str, size_bytes: int, policy: Sequence[PolicyRule], forbidden: Sequence[str]) -> str:
    """Say why a file may not be saved there, or return an empty text."""
    if problem := path_problem(path):
        return problem
    if kept := holds_secrets(path):
        return f"keys or passwords may be kept in {kept!r}"
    if is_verification(path):
        return f"{VERIFICATION_DIR}/ cannot be written in a workspace"
    if ending := next((one for one in forbidden if plain_name(path).endswith(one)), ""):
        return f"the house forbids files that end in {ending}"
    if size_bytes > WRITE_BYTES_MAX:
        return f"{size_bytes} bytes, at most {WRITE_BYTES_MAX}"
    ruling = rule_policy(policy, TOOL, (normal(path),), _NOBODY)
    return ruling.reason if ruling.verdict is Verdict.DENY else ""
