"""Tools of MCP servers: what a house declares, what a server says of itself, what of that is offered.

Nothing that a server says is shown to a model before a person has approved it. What was approved stands in a
catalogue; a tool that has changed since, in its description, its schema or what it promises, is not offered
and not called until a person approves it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import attrs

from orket.domain.mcp_schema import flat_schema, schema_problem
from orket.domain.text import cleaned
from orket.domain.tools import Permission, Recovery, ToolSpec

TOOLS_MAX = 128
NAME_CHARS_MAX = 64  # what model servers take
DESCRIPTION_CHARS_MAX = 1_024
SCHEMA_CHARS_MAX = 16_000
SEPARATOR = "__"

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")


@attrs.frozen(kw_only=True)
class McpServer:
    """A server as the organization file declares it: started by ``command``, or reached at ``url``.

    ``recovery`` pairs tools, by the server's name for them (or ``*``), with a recovery that replaces what
    their annotations promise. ``timeout_s`` bounds one call.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    recovery: tuple[tuple[str, Recovery], ...] = ()
    timeout_s: float = 60.0

    @property
    def where(self) -> str:
        """What is started or reached; an approval holds for this only."""
        return self.url or json.dumps(self.command)


@attrs.frozen(kw_only=True)
class McpTool:
    """A tool as its server describes it, cut and cleaned; ``schema_json`` is canonical JSON."""

    name: str
    description: str = ""
    schema_json: str = "{}"
    read_only: bool = False
    idempotent: bool = False

    @property
    def digest(self) -> str:
        """Name this description by its content: 16 hexadecimal digits."""
        told = [self.name, self.description, self.schema_json, self.read_only, self.idempotent]
        return _digest(told)


@attrs.frozen(kw_only=True)
class Catalogue:
    """What a person has approved of a server: where it is, and its tools."""

    where: str
    tools: tuple[McpTool, ...] = ()

    @property
    def digest(self) -> str:
        """Name it by its content: 16 hexadecimal digits."""
        return _digest([self.where, *sorted(one.digest for one in self.tools)])


@attrs.frozen(kw_only=True)
class McpAnswer:
    """What a server answered to a call: text, and whether the tool says that it failed."""

    text: str
    failed: bool = False


class Catalogues(Protocol):
    """Where approvals are kept, durably. Its methods block for a moment, and raise ``StoreError``."""

    def approved(self, server: str) -> Catalogue | None:
        """Read what was approved of a server, or None."""
        ...

    def approve(self, server: str, found: Catalogue) -> None:
        """Approve a server as it was found; what was noted about it is forgotten."""
        ...

    def changed(self, server: str) -> Mapping[str, str]:
        """Read which tools were seen changed since they were approved, each with how it differs."""
        ...

    def note_changes(self, server: str, changes: Mapping[str, str]) -> None:
        """Remember that tools were seen changed."""
        ...


@attrs.frozen(kw_only=True)
class Offered:
    """A tool that is offered, under its name here, with what was approved of it."""

    spec: ToolSpec
    tool: McpTool


@attrs.frozen(kw_only=True)
class Offer:
    """What a server's tools come to: those offered, and those that are not, each with the reason."""

    offered: tuple[Offered, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


class McpState(StrEnum):
    """How a server stands: what keeps it from being called comes first."""

    UNAVAILABLE = "unavailable"
    NEEDS_APPROVAL = "needs_approval"
    CRASHED = "crashed"
    RUNNING = "running"
    READY = "ready"


@attrs.frozen(kw_only=True)
class McpStanding:
    """A server, what of it is offered, its sessions, and what went wrong last (empty since it answered)."""

    server: McpServer
    offer: Offer
    sessions: int = 0
    problem: str = ""
    lacking: str = ""

    @property
    def state(self) -> McpState:
        """How it stands."""
        if self.lacking:
            return McpState.UNAVAILABLE
        if not self.offer.offered:
            return McpState.NEEDS_APPROVAL
        if self.sessions:
            return McpState.RUNNING
        return McpState.CRASHED if self.problem else McpState.READY

    @property
    def reason(self) -> str:
        """Why it does, empty when nothing is wrong."""
        if self.lacking:
            return self.lacking
        if self.state is McpState.NEEDS_APPROVAL:
            return self.offer.refused[0][1] if self.offer.refused else "it has no tools"
        return self.problem


def described(
    name: str, description: str, schema: object, *, read_only: bool = False, idempotent: bool = False
) -> McpTool:
    """Take down what a server says of a tool, cut and cleaned of what is no plain text."""
    return McpTool(
        name=cleaned(name, 4 * NAME_CHARS_MAX),
        description=cleaned(description, DESCRIPTION_CHARS_MAX),
        schema_json=json.dumps(schema, sort_keys=True, separators=(",", ":")),
        read_only=read_only,
        idempotent=idempotent,
    )


def differences(approved: Iterable[McpTool], found: Iterable[McpTool]) -> dict[str, str]:
    """Say which tools are not as they were approved, by name."""
    before, now = {one.name: one for one in approved}, {one.name: one for one in found}
    told = {name: "is new" for name in now if name not in before}
    told |= {name: "is gone" for name in before if name not in now}
    for name, one in now.items():
        if name in before and before[name].digest != one.digest:
            told[name] = f"changed its {_what_differs(before[name], one)}"
    return told


def offer(server: McpServer, catalogue: Catalogue | None, changed: Mapping[str, str]) -> Offer:
    """Work out which tools of a server are offered, and why the others are not."""
    approve = f"orket mcp approve {server.name}"
    if catalogue is None:
        return Offer(refused=(("*", f"nobody has approved this server: {approve}"),))
    if catalogue.where != server.where:
        return Offer(refused=(("*", f"it was approved with another command or URL: {approve}"),))
    offered: dict[str, Offered] = {}
    refused = []
    for tool in catalogue.tools:
        reason = _problem(server, tool, offered)
        if tool.name in changed:
            reason = f"{changed[tool.name]} since it was approved: {approve}"
        if reason:
            refused.append((tool.name, reason))
        else:
            one = Offered(spec=_spec(server, tool), tool=tool)
            offered[one.spec.name] = one
    return Offer(offered=tuple(offered.values()), refused=tuple(refused))


def tool_name(server: str, tool: str) -> str:
    """Name a server's tool as models and policies do: ``server__tool``."""
    return f"{server}{SEPARATOR}{_NOT_IN_A_NAME.sub('_', tool)}"


def recovery_of(server: McpServer, tool: McpTool) -> Recovery:
    """Say what to do with a lost call of a tool: what the house says, or what the tool promises."""
    declared = dict(server.recovery)
    for name in (tool.name, "*"):
        if name in declared:
            return declared[name]
    return Recovery.IDEMPOTENT if tool.read_only or tool.idempotent else Recovery.ASK_HUMAN


def _problem(server: McpServer, tool: McpTool, others: Mapping[str, Offered]) -> str:
    name = tool_name(server.name, tool.name)
    if len(name) > NAME_CHARS_MAX:
        return f"its name would be longer than {NAME_CHARS_MAX} characters"
    if name in others:
        return f"{others[name].tool.name!r} has the name {name} already"
    if len(tool.schema_json) > SCHEMA_CHARS_MAX:
        return f"its schema is longer than {SCHEMA_CHARS_MAX} characters"
    return schema_problem(json.loads(tool.schema_json))


def _spec(server: McpServer, tool: McpTool) -> ToolSpec:
    return ToolSpec(
        name=tool_name(server.name, tool.name),
        description=tool.description or f"{tool.name} of the server {server.name}.",
        parameters_json=flat_schema(json.loads(tool.schema_json)),
        permissions=(Permission.NETWORK if server.url else Permission.RUN_COMMANDS,),
        recovery=recovery_of(server, tool),
    )


def _what_differs(before: McpTool, now: McpTool) -> str:
    names = {"description": "description", "schema_json": "schema"}
    differing = [told for name, told in names.items() if getattr(before, name) != getattr(now, name)]
    if (before.read_only, before.idempotent) != (now.read_only, now.idempotent):
        differing.append("promises")
    return " and ".join(differing)


def _digest(told: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()[:16]
