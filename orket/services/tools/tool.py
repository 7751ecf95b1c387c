"""What a tool is: a declaration, a type for its arguments, and an effect."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from orket.domain.errors import ToolError
from orket.domain.tools import Finding, Permission, Recovery, ToolCall, ToolResult, ToolSpec
from orket.services.tool_messages import CallContext
from orket.services.tools.workbench import Workbench

A = TypeVar("A", bound="Arguments")

OUTPUT_CHARS_MAX = 32_000


class Arguments(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of the arguments of a tool; its fields, their types and descriptions are the JSON Schema."""


@attrs.frozen(kw_only=True)
class ToolContext:
    """What a tool may know: the call, the acting seat, its card as it stands, the house rules."""

    call: ToolCall
    given: CallContext


@attrs.frozen(kw_only=True)
class Probed:
    """What a probe saw: whether an earlier attempt has acted, and the evidence, for a person to read."""

    finding: Finding
    evidence: str


Effect = Callable[[A, ToolContext, Workbench], Awaitable[ToolResult]]
Probe = Callable[[A, ToolContext, Workbench], Awaitable[Probed]]
Compensate = Callable[[A, ToolContext, Workbench], Awaitable[None]]
Proposal = Callable[[A, ToolContext], ToolResult]


@attrs.frozen(kw_only=True)
class Tool(Generic[A]):
    """An installed tool.

    ``effect`` acts only through the workbench and says what came of it as a ``ToolResult``. It may raise
    ``ToolError`` (a result for the model) and lets the workbench's ``SandboxError`` through (infrastructure).

    ``probe`` looks whether an attempt of this very call (``context.call.id``) has acted, and changes nothing.
    ``compensate`` undoes whatever earlier attempts did, nothing included; it may be cut off and begun again,
    so it must do no harm twice, and raises ``ToolError`` when it cannot. Nothing of an earlier attempt is
    under way while either runs.

    ``propose`` is there when the tool only proposes, see ``declare_proposal``; its effect is the same then.
    """

    spec: ToolSpec
    arguments: type[A]
    effect: Effect[A]
    probe: Probe[A] | None = None
    compensate: Compensate[A] | None = None
    propose: Proposal[A] | None = None

    async def run(self, arguments_json: str, context: ToolContext, workbench: Workbench) -> ToolResult:
        """Decode the arguments and act.

        Raises:
            ToolError: ``bad_arguments`` when they do not fit; nothing was done.
        """
        return await self.effect(self.decode(arguments_json), context, workbench)

    def decode(self, arguments_json: str) -> A:
        """Read the arguments.

        Raises:
            ToolError: ``bad_arguments`` when they do not fit.
        """
        try:
            return msgspec.json.decode(arguments_json.encode(), type=self.arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise ToolError(f"arguments do not fit: {error}", code="bad_arguments") from error


def declare(
    effect: Effect[A],
    arguments: type[A],
    *,
    name: str,
    description: str,
    permissions: tuple[Permission, ...],
    recovery: Recovery,
    path_arguments: tuple[str, ...] = (),
    url_arguments: tuple[str, ...] = (),
    probe: Probe[A] | None = None,
    compensate: Compensate[A] | None = None,
) -> Tool[A]:
    """Make a tool from its parts; the JSON Schema follows from the type of the arguments.

    Raises:
        ValueError: The declared recovery has nothing to carry it out.
    """
    if (recovery is Recovery.PROBE and probe is None) or (
        recovery is Recovery.COMPENSATE and compensate is None
    ):
        raise ValueError(f"{name}: declares the recovery {recovery} and brings no function for it")
    spec = ToolSpec(
        name=name,
        description=description,
        parameters_json=schema_json(arguments),
        permissions=permissions,
        recovery=recovery,
        path_arguments=path_arguments,
        url_arguments=url_arguments,
    )
    return Tool(spec=spec, arguments=arguments, effect=effect, probe=probe, compensate=compensate)


def schema_json(arguments: type[Arguments]) -> str:
    """Write the JSON Schema of an arguments type, flat: small models and the gate read no references."""
    (schema,), parts = msgspec.json.schema_components((arguments,))
    flat = _flatten(schema, parts)
    flat.pop("title", None)
    flat.pop("description", None)
    return json.dumps(flat, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _flatten(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Put each reference's target in its place, and fold alternatives of different types into one."""
    if "$ref" in schema:
        target = _flatten(parts[schema["$ref"].rpartition("/")[2]], parts)
        target.pop("title", None)
        target.pop("description", None)
        return target | _flatten({key: one for key, one in schema.items() if key != "$ref"}, parts)
    flat = {key: one for key, one in schema.items() if key not in ("anyOf", "properties")}
    if "properties" in schema:
        flat["properties"] = {key: _flatten(one, parts) for key, one in schema["properties"].items()}
    for option in schema.get("anyOf", ()):
        more = _flatten(option, parts)
        types = [flat.pop("type", []), more.pop("type", [])]
        flat |= more
        flat["type"] = [name for one in types for name in ([one] if isinstance(one, str) else one)]
    return flat


def done(**fields: object) -> ToolResult:
    """Make the result of a call that succeeded: its output is a JSON object of these fields."""
    return ToolResult(ok=True, output=msgspec.json.encode(fields).decode())


def bounded(text: str, chars_max: int = OUTPUT_CHARS_MAX) -> str:
    """Keep the beginning and the end of a text that is too long, with a mark in between."""
    if len(text) <= chars_max:
        return text
    half = chars_max // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
