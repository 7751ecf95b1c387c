"""The schema of a tool as the gate and small models read it: flat, without references or alternatives.

A flat schema lets pass whatever the server's own schema lets pass, but for arguments that it does not name:
what the gate cannot check is left out, and checked against the whole schema before a call is sent. That the
gate refuses arguments which no schema names is its own rule, kept wherever a schema lists all there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from orket.domain.text import cleaned

DEPTH_MAX = 8
NODES_MAX = 1_000
TEXT_CHARS_MAX = 300

_TYPES = frozenset({"object", "array", "string", "boolean", "null", "integer", "number"})
_NUMBERS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
# With one of these, arguments may be named somewhere that a flat schema does not show.
_NAMES_ELSEWHERE = frozenset(
    {"allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas", "propertyNames", "$dynamicRef"}
)
_VALUES = frozenset({"enum", "const", "default", "examples"})


def schema_problem(schema: object) -> str:
    """Say why a tool with this schema cannot be offered, or return an empty text."""
    if not isinstance(schema, Mapping):
        return "its schema is no object"
    if schema.get("type", "object") != "object":
        return "its schema describes no object"
    if elsewhere := next((one for one in _references(schema) if not one.startswith("#")), ""):
        return f"its schema refers to another one: {cleaned(elsewhere, TEXT_CHARS_MAX)}"
    return ""


def flat_schema(schema: Mapping[str, object]) -> str:
    """Write the flat schema as canonical JSON."""
    flat = _Flattening(schema).flat(schema, 0) | {"type": "object"}
    flat.pop("description", None)
    return json.dumps(flat, sort_keys=True, separators=(",", ":"))


class _Flattening:
    """One schema's way to a flat one; it counts what it has looked at, for references may multiply."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._root, self._nodes = root, 0

    def flat(self, schema: object, depth: int) -> dict[str, object]:
        """Flatten a part; what is too deep, too much or no object lets everything pass."""
        self._nodes += 1
        if not isinstance(schema, Mapping) or depth > DEPTH_MAX or self._nodes > NODES_MAX:
            return {"additionalProperties": True}
        found = _plain(schema)
        if isinstance(schema.get("properties"), Mapping):
            found["properties"] = {
                str(name): self.flat(one, depth + 1) for name, one in schema["properties"].items()
            }
        found |= self._rest(schema, depth)
        if isinstance(schema.get("items"), Mapping) and "prefixItems" not in schema:
            found["items"] = self.flat(schema["items"], depth + 1)
        if "$ref" in schema:
            found = _both(self.flat(self._target(schema["$ref"]), depth + 1), found)
        options = schema.get("anyOf", schema.get("oneOf"))
        if isinstance(options, list) and options and "type" not in found:
            found |= _either([self.flat(one, depth + 1) for one in options])
        return found

    def _rest(self, schema: Mapping[str, object], depth: int) -> dict[str, object]:
        """Say what arguments may be beside those that are named."""
        rest = schema.get("additionalProperties")
        if rest is True or _NAMES_ELSEWHERE & set(schema):
            return {"additionalProperties": True}
        if isinstance(rest, Mapping):
            return {"additionalProperties": self.flat(rest, depth + 1)}
        if rest is None and schema.get("type") == "object" and "properties" not in schema:
            return {"additionalProperties": True}
        return {}

    def _target(self, reference: object) -> object:
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        here: object = self._root
        for step in filter(None, reference[1:].split("/")):
            key = step.replace("~1", "/").replace("~0", "~")
            here = here.get(key) if isinstance(here, Mapping) else None
        return here


def _plain(schema: Mapping[str, object]) -> dict[str, object]:
    """Keep the keywords that the gate knows and that are as they should be."""
    found: dict[str, object] = {}
    if isinstance(told := schema.get("description"), str):
        found["description"] = cleaned(told, TEXT_CHARS_MAX)
    kinds = schema.get("type")
    if kinds and all(isinstance(one, str) and one in _TYPES for one in _listed(kinds)):
        found["type"] = kinds
    if isinstance(options := schema.get("enum"), list):
        found["enum"] = options
    if "const" in schema:
        found["const"] = schema["const"]
    required = schema.get("required")
    if isinstance(required, list) and all(isinstance(one, str) for one in required):
        found["required"] = required
    for name in _NUMBERS:
        number = schema.get(name)
        if isinstance(number, int | float) and not isinstance(number, bool):
            found[name] = number
    return found


def _listed(kinds: object) -> list[object]:
    return kinds if isinstance(kinds, list) else [kinds]


def _both(target: dict[str, object], own: dict[str, object]) -> dict[str, object]:
    """Put what a reference leads to and what stands beside it into one."""
    found = target | own
    inner, outer = target.get("properties"), own.get("properties")
    if isinstance(inner, dict) and isinstance(outer, dict):
        found["properties"] = inner | outer
    return found


def _either(options: list[dict[str, object]]) -> dict[str, object]:
    """Fold alternatives into one: their types together; one alternative beside null keeps its bounds."""
    if any("type" not in one for one in options):
        return {"additionalProperties": True}
    kinds = list(dict.fromkeys(kind for one in options for kind in _listed(one["type"])))
    real = [one for one in options if one["type"] != "null"]
    if len(real) != 1:
        return {"type": kinds, "additionalProperties": True}
    found = real[0] | {"type": kinds}
    if len(real) < len(options):
        found.pop("const", None)
        if isinstance(known := found.get("enum"), list):
            found["enum"] = [*known, None]
    return found


def _references(schema: object) -> Iterator[str]:
    """List all that is referred to; what only looks like a reference, in a value, is none."""
    todo: list[object] = [schema]
    while todo:
        here = todo.pop()
        if isinstance(here, Mapping):
            for key, one in here.items():
                if key in ("$ref", "$dynamicRef") and isinstance(one, str):
                    yield one
                elif key not in _VALUES:
                    todo.append(one)
        elif isinstance(here, list):
            todo.extend(here)
