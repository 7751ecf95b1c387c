"""The organization's tool policy: ``allow``, ``ask`` and ``deny`` rules over tools, paths and seats.

A rule matches when all its patterns do. A ``deny`` or ``ask`` rule with a path matches when one path of the
call does, an ``allow`` rule when all do. An ``allow`` rule closes its subject: as soon as one names a tool,
the uses of that tool that no rule matches are denied. Of the rules that match the strictest wins: deny, ask,
allow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import attrs

from orket.domain.assets import PolicyRule
from orket.domain.tools import Verdict

CLOSED = "closed"


@attrs.frozen
class Ruling:
    """What the policy says and which rule says so; ``rule`` is empty when no rule matched."""

    verdict: Verdict
    rule: str = ""
    reason: str = ""


def policy_version(policy: Sequence[PolicyRule], node: str) -> str:
    """Name a policy by its content: 16 hexadecimal digits over the rules, in order, and the node's version.

    An approval is bound to it, so a change of the house rules or of the node makes old approvals worthless.
    """
    return _version(tuple(policy), node)


@lru_cache(64)
def _version(policy: tuple[PolicyRule, ...], node: str) -> str:
    """Remembered, because every call's decision names it."""
    rules = [[rule.effect, rule.tool, rule.path, rule.seat] for rule in policy]
    text = json.dumps([node, rules], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rule_policy(
    policy: Sequence[PolicyRule], tool: str, paths: Sequence[str], seat: str, *, closed: bool = False
) -> Ruling:
    """Apply the policy to a use of ``tool`` by ``seat`` on normal workspace ``paths``, or web addresses.

    A ``closed`` tool is denied unless a rule opens it that names it in full: ``*`` is no name.
    """
    matching = [(n, rule) for n, rule in enumerate(policy) if _matches(rule, tool, paths, seat)]
    if closed:
        matching = [(n, one) for n, one in matching if one.tool == tool or _effect(one) is Verdict.DENY]
    for effect in (Verdict.DENY, Verdict.ASK):
        for n, rule in matching:
            if _effect(rule) is effect:
                return Ruling(effect, f"policy/{n}", _told(rule, effect))
    for n, rule in matching:
        if _effect(rule) is Verdict.ALLOW:
            return Ruling(Verdict.ALLOW, f"policy/{n}", _told(rule, Verdict.ALLOW))
    for n, rule in enumerate(policy):
        if closed and rule.tool != tool:
            continue
        if _effect(rule) is Verdict.ALLOW and _concerns(rule, tool, paths):
            return Ruling(Verdict.DENY, f"policy/{n}", "the house allows only other uses of this tool")
    if closed:
        return Ruling(Verdict.DENY, CLOSED, f"no rule of the house opens {tool} for this")
    return Ruling(Verdict.ALLOW)


def _effect(rule: PolicyRule) -> Verdict:
    """A word that is no verdict denies: a rule that cannot be understood must not open anything."""
    return Verdict(rule.effect) if rule.effect in {*Verdict} else Verdict.DENY


def _matches(rule: PolicyRule, tool: str, paths: Sequence[str], seat: str) -> bool:
    if not fnmatchcase(tool, rule.tool) or not fnmatchcase(seat, rule.seat):
        return False
    if rule.path == "*":
        return True
    hits = [fnmatchcase(path, rule.path) for path in paths]
    return bool(hits) and (all(hits) if _effect(rule) is Verdict.ALLOW else any(hits))


def _concerns(rule: PolicyRule, tool: str, paths: Sequence[str]) -> bool:
    return fnmatchcase(tool, rule.tool) and (rule.path == "*" or bool(paths))


def _told(rule: PolicyRule, verdict: Verdict) -> str:
    subject = f"tool {rule.tool}, path {rule.path}, seat {rule.seat}"
    does = {Verdict.DENY: "denies", Verdict.ASK: "asks a person about", Verdict.ALLOW: "allows"}[verdict]
    return f"the house {does} {subject}"
