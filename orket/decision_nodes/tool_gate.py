"""``tool_gate_node``: whether a tool call may act. Deny is the default, and deny beats ask beats allow.

======================  ==============================================================================
rule                    denies
======================  ==============================================================================
``unknown_tool``        a tool that is not installed
``role_tools``          a tool that the seat was not offered
``arguments``           arguments that do not fit the tool's declaration
``path``                a path that leaves the workspace, is protected, or hides what it is
``verification_dir``    writing where verification fixtures lie
``secret_path``         files whose names say that keys or passwords are kept in them
``address``             a web address that could be read in two ways, or is no plain http(s) one
``closed``              a tool that reaches the network, or acts outside the workspace, unless a policy rule
                        opens it by its full name
``secret``              arguments out of which a secret was taken before they were recorded
``file_type``           writing a file whose ending ``process_rules.forbidden_file_types`` lists
``confirm``             a tool that destroys, without the argument ``confirm`` being true
``write_size``          writing more than 1,000,000 bytes in one call
``idesign``             source files in the wrong place (node ``idesign`` only)
``idesign_code``        Python that does not parse, misnamed classes, imports upwards (node ``idesign`` only)
``own_card``            changing the status of another card than one's own
``status``              a status or wait reason that does not exist
``state_machine``       a status that may not follow, or that these roles may not set
``verification``        ``done`` while declared scenarios have not passed
``summary``             a new issue whose summary is shorter than 5 characters
``policy/N``            what rule N (from 0) of the organization's policy denies; it may also ask
======================  ==============================================================================

What none of these stops is allowed by ``role_tools``, or by the policy rule that allows it by name.

The node ``default`` applies all but the two of iDesign. The node ``idesign`` adds these for epics whose
``architecture_governance.idesign`` is true: ``"process_rules": {"tool_gate_node": "idesign"}``.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from orket.decision_nodes.argument_schema import problems
from orket.decision_nodes.decisions import GateInput
from orket.decision_nodes.idesign import idesign_problem
from orket.decision_nodes.idesign_code import METHODS_MAX, code_problem, crowded_classes
from orket.decision_nodes.policy import policy_version, rule_policy
from orket.decision_nodes.web_addresses import address_problem, normal_address
from orket.decision_nodes.workspace_paths import (
    VERIFICATION_DIR,
    holds_secrets,
    is_verification,
    normal,
    path_problem,
    plain_name,
)
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.errors import StateMachineError
from orket.domain.redaction import REDACTED
from orket.domain.state_machine import validate_transition
from orket.domain.tools import GateDecision, Permission, Verdict

WRITE_BYTES_MAX = 1_000_000
SUMMARY_CHARS_MIN = 5
REASON_CHARS_MAX = 1_000
# What acts neither in the workspace nor on cards is closed until a rule names it.
_OPENED = frozenset({Permission.NETWORK, Permission.OUTSIDE})


@attrs.frozen
class Objection:
    """The rule that denies, and why."""

    rule: str
    reason: str


Check = Callable[[GateInput], Objection | None]


class DefaultToolGate:
    """The rules of this page without those of iDesign, in their order; the first objection decides."""

    version = "default/3"

    @property
    def checks(self) -> tuple[Check, ...]:
        """The rules that deny, in order; the later ones may rely on those before them."""
        return (
            _known,
            _offered,
            _secret,
            _arguments,
            _paths,
            _addresses,
            _file_type,
            _confirm,
            _write_size,
            _status,
            _summary,
        )

    def judge(self, given: GateInput) -> GateDecision:
        """Decide, and say which rule decided."""
        version = policy_version(given.policy, self.version)
        for check in self.checks:
            if (found := check(given)) is not None:
                return _decision(Verdict.DENY, found.rule, found.reason, version)
        ruling = rule_policy(
            given.policy, given.call.tool, subjects_of(given), given.seat, closed=_reaches_out(given)
        )
        reason = ruling.reason or f"seat {given.seat} was offered {given.call.tool}"
        return _decision(ruling.verdict, ruling.rule or "role_tools", reason, version)


class IDesignToolGate(DefaultToolGate):
    """All rules of this page: source files are written where iDesign wants them, if the epic asks for it."""

    version = "idesign/4"

    @property
    def checks(self) -> tuple[Check, ...]:
        """The rules that deny, in order."""
        return (*super().checks, _idesign, _idesign_code)

    def judge(self, given: GateInput) -> GateDecision:
        """Decide, say which rule decided, and remark on classes that are allowed and too large."""
        said = super().judge(given)
        content = given.arguments.get("content")
        if said.verdict is not Verdict.ALLOW or not given.idesign or not isinstance(content, str):
            return said
        if not any(one.lower().endswith(".py") for one in paths_of(given)):
            return said
        if crowded := crowded_classes(content):
            return attrs.evolve(
                said, reason=f"{said.reason}; {', '.join(crowded)}: over {METHODS_MAX} methods"
            )
        return said


def paths_of(given: GateInput) -> tuple[str, ...]:
    """List the workspace paths among the arguments, as the model wrote them."""
    return _texts(given, given.spec.path_arguments if given.spec else ())


def subjects_of(given: GateInput) -> tuple[str, ...]:
    """List what policy patterns are compared with: normal workspace paths, and web addresses."""
    addresses = _texts(given, given.spec.url_arguments if given.spec else ())
    return (*map(normal, paths_of(given)), *map(normal_address, addresses))


def _texts(given: GateInput, names: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        value = given.arguments.get(name)
        several = value if isinstance(value, list | tuple) else (value,)
        found.extend(one for one in several if isinstance(one, str))
    return tuple(found)


def _decision(verdict: Verdict, rule: str, reason: str, version: str) -> GateDecision:
    """Reasons quote what a model wrote, so they are cut, and halves of characters are replaced."""
    told = reason[:REASON_CHARS_MAX].encode("utf-8", "replace").decode()
    return GateDecision(verdict=verdict, rule=rule, reason=told, policy_version=version)


def _known(given: GateInput) -> Objection | None:
    if given.spec is not None and given.spec.name == given.call.tool:
        return None
    return Objection("unknown_tool", f"there is no tool {given.call.tool!r}")


def _offered(given: GateInput) -> Objection | None:
    if given.call.tool in given.role_tools:
        return None
    offered = ", ".join(given.role_tools) or "no tool"
    return Objection("role_tools", f"seat {given.seat} may not use {given.call.tool}; it has {offered}")


def _arguments(given: GateInput) -> Objection | None:
    found = problems(given.spec.parameters_json, given.arguments) if given.spec else ()
    return Objection("arguments", "; ".join(found)) if found else None


def _paths(given: GateInput) -> Objection | None:
    writes = _writes(given)
    for name in given.spec.path_arguments if given.spec else ():
        value = given.arguments.get(name)
        for one in value if isinstance(value, list | tuple) else (value,):
            if one is None:
                continue
            if not isinstance(one, str):
                return Objection("path", f"/{name}: a path must be text")
            if problem := path_problem(one):
                return Objection("path", f"/{name}: {problem}")
            if kept := holds_secrets(one):
                return Objection("secret_path", f"/{name}: keys or passwords may be kept in {kept!r}")
            if writes and is_verification(one):
                return Objection(
                    "verification_dir", f"/{name}: {VERIFICATION_DIR}/ cannot be written by a seat"
                )
    return None


def _addresses(given: GateInput) -> Objection | None:
    for name in given.spec.url_arguments if given.spec else ():
        value = given.arguments.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or (problem := address_problem(value)):
            told = problem if isinstance(value, str) else "an address must be text"
            return Objection("address", f"/{name}: {told}")
    return None


def _reaches_out(given: GateInput) -> bool:
    return given.spec is not None and not _OPENED.isdisjoint(given.spec.permissions)


def _writes(given: GateInput) -> bool:
    return given.spec is not None and Permission.WRITE_FILES in given.spec.permissions


def _write_size(given: GateInput) -> Objection | None:
    if not _writes(given):
        return None
    texts = (one for one in given.arguments.values() if isinstance(one, str))
    # A model may escape half a character; counting it must not fail, the tool will refuse it.
    size_bytes = sum(len(one.encode("utf-8", "surrogatepass")) for one in texts)
    if size_bytes <= WRITE_BYTES_MAX:
        return None
    return Objection("write_size", f"{size_bytes} bytes in one call, at most {WRITE_BYTES_MAX}")


def _idesign(given: GateInput) -> Objection | None:
    if not given.idesign or not _writes(given):
        return None
    problem = next(filter(None, map(idesign_problem, paths_of(given))), "")
    return Objection("idesign", problem) if problem else None


def _idesign_code(given: GateInput) -> Objection | None:
    if not given.idesign or not _writes(given):
        return None
    content = given.arguments.get("content")
    if not isinstance(content, str):
        return _unseen(given)
    problem = next(filter(None, (code_problem(one, content) for one in paths_of(given))), "")
    return Objection("idesign_code", problem) if problem else None


def _unseen(given: GateInput) -> Objection | None:
    """Python whose new text is not among the arguments cannot be judged, so it is not let through."""
    if not any(one.lower().endswith(".py") for one in paths_of(given)):
        return None
    return Objection("idesign_code", f"{given.call.tool} hides the new Python text; use write_file for it")


def _secret(given: GateInput) -> Objection | None:
    if REDACTED not in given.call.arguments_json:
        return None
    return Objection(
        "secret", "the arguments hold a secret, or the mark that stands for one; refer to it by its name"
    )


def _file_type(given: GateInput) -> Objection | None:
    if not _writes(given):
        return None
    for one in paths_of(given):
        if ending := next((end for end in given.forbidden_types if plain_name(one).endswith(end)), ""):
            return Objection("file_type", f"the house forbids files that end in {ending}")
    return None


def _confirm(given: GateInput) -> Objection | None:
    if given.spec is None or not given.spec.destructive or given.arguments.get("confirm") is True:
        return None
    return Objection("confirm", f"/confirm: {given.call.tool} destroys; say confirm: true if you mean it")


def _summary(given: GateInput) -> Objection | None:
    if given.call.tool != "create_issue":
        return None
    summary = given.arguments.get("summary")
    if isinstance(summary, str) and len(summary.strip()) >= SUMMARY_CHARS_MIN:
        return None
    return Objection("summary", f"/summary: a new issue needs at least {SUMMARY_CHARS_MIN} characters")


def _status(given: GateInput) -> Objection | None:
    if given.call.tool != "update_issue_status":
        return None
    card = given.card
    if (named := given.arguments.get("issue_id")) not in (None, "", card.id):
        return Objection("own_card", f"/issue_id: seat {given.seat} works on {card.id}, not on {named}")
    status = given.arguments.get("status")
    if not isinstance(status, str) or status not in {*CardStatus}:
        return Objection("status", f"/status: {status!r} is none of {', '.join(CardStatus)}")
    reason = given.arguments.get("wait_reason") or None
    if reason is not None and (not isinstance(reason, str) or reason not in {*WaitReason}):
        return Objection("status", f"/wait_reason: {reason!r} is none of {', '.join(WaitReason)}")
    return _law(given, CardStatus(status), None if reason is None else WaitReason(reason))


def _law(given: GateInput, status: CardStatus, reason: WaitReason | None) -> Objection | None:
    try:
        validate_transition(given.card.type, given.card.status, status, given.roles, reason)
    except StateMachineError as error:
        return Objection("state_machine", error.detail)
    missing = _unproven(given) if status is CardStatus.DONE else ""
    return Objection("verification", missing) if missing else None


def _unproven(given: GateInput) -> str:
    """Say which declared scenarios have not passed, or return an empty text."""
    declared = given.card.verification
    if declared is None or not declared.scenarios:
        return ""
    if given.verification is None:
        return f"{given.card.id} declares a verification that has not been run"
    passed = {one.id for one in given.verification.results if one.status == "pass"}
    if given.verification.ok and all(one.id in passed for one in declared.scenarios):
        return ""
    open_ids = [one.id for one in declared.scenarios if one.id not in passed]
    failing = ", ".join(open_ids or [one.id for one in given.verification.results if one.id not in passed])
    return f"verification has not passed: {failing}"
