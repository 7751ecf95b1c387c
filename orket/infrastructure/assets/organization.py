"""The organization file: house rules; absent means the strictest defaults, invalid means an error."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs
import msgspec

from orket.domain.assets import Organization, PolicyRule
from orket.domain.bottlenecks import BottleneckThresholds
from orket.domain.mcp import McpServer
from orket.domain.tools import Recovery, Verdict
from orket.infrastructure.assets.documents import Document, canonical, pointer_to
from orket.infrastructure.assets.looks import is_file
from orket.infrastructure.assets.mcp import mcp_servers
from orket.infrastructure.assets.places import Places, check_name
from orket.infrastructure.assets.shapes import (
    ArchitectureShape,
    BottleneckShape,
    JsonObject,
    OrganizationShape,
    PolicyShape,
    SandboxShape,
    check_keys,
    shape,
)

# No organization file: no weaker sandbox, no override, and the lower complexity threshold.
STRICTEST = Organization(idesign_threshold=7)
NODE_RULES = (
    "planner_node",
    "router_node",
    "prompt_strategy_node",
    "evaluator_node",
    "tool_strategy_node",
    "tool_gate_node",
    "run_admission_node",
    "recovery_node",
    "orchestration_loop_node",
    "model_client_node",
    "loader_strategy_node",
    "api_runtime_node",
    "sandbox_policy_node",
    "engine_runtime_node",
)


def read_organization(places: Places, environ: Mapping[str, str]) -> Organization:
    """Read the organization that holds here; ``ORKET_ORG_NAME`` and ``ORKET_ORG_VISION`` win over it.

    Raises:
        AssetError: A file that exists is invalid; it is never skipped.
    """
    documents = _documents(places)
    found = _organization(documents) if documents else STRICTEST
    return attrs.evolve(
        found,
        name=environ.get("ORKET_ORG_NAME") or found.name,
        vision=environ.get("ORKET_ORG_VISION") or found.vision,
    )


def read_mcp_servers(places: Places) -> tuple[McpServer, ...]:
    """Read which MCP servers the organization declares.

    Raises:
        AssetError: A file that exists is invalid; it is never skipped.
    """
    documents = _documents(places)
    if not documents:
        return ()
    first = documents[0]
    return mcp_servers(first, shape(first, "", first.value, OrganizationShape).mcp)


def _documents(places: Places) -> list[Document]:
    for files in places.organization_files():
        if documents := [places.read("organization", one) for one in files if is_file(one)]:
            return documents
    return []


def _organization(documents: list[Document]) -> Organization:
    """Merge the one or two files; each top-level key is reported in the file it came from."""
    first = documents[0]
    told = shape(first, "", first.value, OrganizationShape)
    architecture: tuple[Document, str, object] = (first, "/architecture", told.architecture)
    for other in documents[1:] or ([first] if first.path.name == "architecture.json" else []):
        architecture = _architecture_of(other)
    rules = told.process_rules or {}
    check_keys(first, "/process_rules", rules, NODE_RULES)
    where, pointer, value = architecture
    threshold = shape(where, pointer, value or {}, ArchitectureShape).idesign_threshold
    if threshold < 0:
        raise where.error(f"{pointer}/idesign_threshold", "must be 0 or more")
    levels, recovery = _sandbox(first, told.sandbox)
    mcp_servers(first, told.mcp)  # read for its complaints: a run does not depend on what is declared
    return Organization(
        name=told.name or "Orket",
        vision=told.vision or "",
        ethos=told.ethos or "",
        departments=_departments(first, told.departments),
        idesign_threshold=threshold,
        process_rules=tuple((key, _rule(first, key, value)) for key, value in rules.items()),
        sandbox_levels=levels,
        command_recovery=recovery,
        policy=tuple(_policy(first, index, one) for index, one in enumerate(told.policy or ())),
        bottlenecks=_bottlenecks(first, told.bottleneck_thresholds),
    )


def _architecture_of(document: Document) -> tuple[Document, str, object]:
    # architecture.json may hold the rules themselves or an object that has them under "architecture".
    value = document.value
    if isinstance(value, dict) and "architecture" in value:
        return document, "/architecture", value["architecture"]
    return document, "", value


def _departments(document: Document, told: list[str] | None) -> tuple[str, ...]:
    for index, one in enumerate(told or ()):
        check_name(document, pointer_to("departments", index), one)
    return tuple(dict.fromkeys(told or ("core",)))


def _rule(document: Document, key: str, value: object) -> str:
    """A rule's value as text: words as they are, anything else as JSON."""
    if isinstance(value, str):
        return value
    if key in NODE_RULES:
        raise document.error(pointer_to("process_rules", key), "must be the name of a decision node")
    return canonical(value)


def _sandbox(document: Document, told: JsonObject | None) -> tuple[tuple[str, ...], str]:
    value = shape(document, "/sandbox", told or {}, SandboxShape)
    for index, one in enumerate(value.levels or ()):
        if not one.strip():
            raise document.error(pointer_to("sandbox", "levels", index), "is no name of a sandbox level")
    recovery = value.command_recovery or ""
    if recovery and recovery not in list(Recovery):
        raise document.error("/sandbox/command_recovery", _one_of(recovery, list(Recovery)))
    return tuple(dict.fromkeys(value.levels or ())), recovery


def _policy(document: Document, index: int, told: object) -> PolicyRule:
    pointer = pointer_to("policy", index)
    rule = shape(document, pointer, told, PolicyShape)
    if rule.effect not in list(Verdict):
        raise document.error(f"{pointer}/effect", _one_of(rule.effect, list(Verdict)))
    return PolicyRule(effect=rule.effect, tool=rule.tool, path=rule.path, seat=rule.seat)


def _bottlenecks(document: Document, told: JsonObject | None) -> BottleneckThresholds:
    value = shape(document, "/bottleneck_thresholds", told or {}, BottleneckShape)
    found = msgspec.structs.asdict(value)
    for name, number in found.items():
        most = 1 if name == "dependency_warning_pct" else math.inf
        if not 0 <= number <= most or not math.isfinite(number):
            wanted = "from 0 to 1" if most == 1 else "0 or more"
            raise document.error(pointer_to("bottleneck_thresholds", name), f"must be {wanted}")
    return BottleneckThresholds(**found)


def _one_of(given: str, known: list[str]) -> str:
    return f"{given!r} is not one of {', '.join(known)}"
