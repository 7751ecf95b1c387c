"""Checks a tool call's arguments against the subset of JSON Schema in which tools declare them.

Known keywords: ``type`` (a name or a list of names), ``properties``, ``required``, ``additionalProperties``,
``items``, ``enum``, ``const``, ``minLength``, ``maxLength``, ``minimum``, ``maximum``, ``minItems``,
``maxItems``. Two rules are stricter than the standard: a key that ``properties`` does not name is wrong
unless ``additionalProperties`` says otherwise, and a schema with an unknown keyword matches nothing, because
what cannot be checked must not pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from orket.decision_nodes.plain_arguments import fits

PROBLEMS_MAX = 10
DEPTH_MAX = 32

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$schema", "$comment", "format"})
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and int(value) == value,  # type: ignore[call-overload]  # a number by the first half
    "number": lambda value: _is_number(value),
}


def problems(schema_json: str, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """List what is wrong, each with the JSON pointer of the argument, at most ``PROBLEMS_MAX``.

    An empty result means that the arguments fit. A declaration that is no JSON object fits nothing.
    """
    return () if fits(schema_json, arguments) else complaints(schema_json, arguments)


def complaints(schema_json: str, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """Look at everything; ``problems`` does so only where a glance does not do."""
    try:
        schema = _read(schema_json)
    except ValueError:
        return ("the tool's declaration is not JSON",)
    if not _is_text(arguments):
        return ("(all): holds half of a character (a lone surrogate) or is nested too deeply",)
    found: list[str] = []
    for problem in _check(schema, arguments, "", 0):
        found.append(problem)
        if len(found) == PROBLEMS_MAX:
            break
    return tuple(found)


@lru_cache(256)
def _read(schema_json: str) -> object:
    """Read a declaration, which nobody changes; the same few are read for every call."""
    found: object = json.loads(schema_json)
    return found


def _check(schema: object, value: object, pointer: str, depth: int) -> Iterator[str]:
    place = pointer or "(all)"
    if not isinstance(schema, Mapping):
        yield f"{place}: the tool's declaration is not an object"
    elif depth > DEPTH_MAX:
        yield f"{place}: nested too deeply"
    elif unknown := sorted(set(schema) - _ANNOTATIONS - set(_KEYWORDS)):
        yield f"{place}: the tool's declaration uses {unknown[0]!r}, which is not supported"
    elif (complaint := _wrong_type(schema.get("type"), value)) is not None:
        yield f"{place}: {complaint}"
    else:
        for keyword, check in _KEYWORDS.items():
            if keyword in schema:
                yield from check(schema, value, pointer, depth)
        # ``properties`` absent still means that unknown keys are wrong.
        if "properties" not in schema and isinstance(value, Mapping):
            yield from _properties(schema, value, pointer, depth)


def _is_text(value: object, depth: int = 0) -> bool:
    """Whether all texts inside can be written as UTF-8; what cannot must not reach a file or the ledger."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
        return True
    if depth > DEPTH_MAX:
        return False
    if isinstance(value, Mapping):
        return all(_is_text(key) and _is_text(one, depth + 1) for key, one in value.items())
    return not isinstance(value, list | tuple) or all(_is_text(one, depth + 1) for one in value)


def _wrong_type(wanted: object, value: object) -> str | None:
    if wanted is None:
        return None
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list) or not all(isinstance(name, str) and name in _TYPES for name in names):
        return f"the tool's declaration names no known type: {wanted!r}"
    if any(_TYPES[name](value) for name in names):
        return None
    return f"must be {' or '.join(names)}, not {_type_name(value)}"


def _type_name(value: object) -> str:
    return next((name for name in ("boolean", *_TYPES) if _TYPES[name](value)), type(value).__name__)


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return isinstance(value, int) and not isinstance(value, bool)


def _same(left: object, right: object) -> bool:
    """Compare as JSON does: ``true`` is not 1."""
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _nothing(schema: Mapping[str, object], value: object, pointer: str, depth: int) -> Iterator[str]:
    yield from ()


def _required(schema: Mapping[str, object], value: object, pointer: str, depth: int) -> Iterator[str]:
    wanted = schema["required"]
    if isinstance(value, Mapping) and isinstance(wanted, Sequence):
        yield from (f"{_under(pointer, str(key))}: is required" for key in wanted if str(key) not in value)


def _properties(schema: Mapping[str, object], value: object, pointer: str, depth: int) -> Iterator[str]:
    declared = schema.get("properties", {})
    rest = schema.get("additionalProperties", False)
    if not isinstance(value, Mapping) or not isinstance(declared, Mapping):
        return
    for key, one in value.items():
        inner = _under(pointer, str(key))
        if key in declared:
            yield from _check(declared[key], one, inner, depth + 1)
        elif rest is False:
            known = ", ".join(sorted(map(str, declared))) or "none"
            yield f"{inner}: is not an argument (known: {known})"
        elif rest is not True:
            yield from _check(rest, one, inner, depth + 1)


def _items(schema: Mapping[str, object], value: object, pointer: str, depth: int) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _check(schema["items"], one, _under(pointer, str(index)), depth + 1)


def _choice(schema: Mapping[str, object], value: object, pointer: str, depth: int) -> Iterator[str]:
    options = schema["enum"] if "enum" in schema else [schema["const"]]
    if not isinstance(options, list) or not any(_same(value, one) for one in options):
        yield f"{pointer or '(all)'}: must be one of {json.dumps(options)}"


def _bound(
    keyword: str, measure: Callable[[object], float | None], too_small: bool, unit: str
) -> Callable[[Mapping[str, object], object, str, int], Iterator[str]]:
    def check(schema: Mapping[str, object], value: object, pointer: str, depth: int) -> Iterator[str]:
        limit, size = schema[keyword], measure(value)
        if not isinstance(limit, int | float):
            yield f"{pointer or '(all)'}: the tool's declaration has no number at {keyword!r}"
        elif size is not None and (size < limit if too_small else size > limit):
            yield f"{pointer or '(all)'}: must be at {'least' if too_small else 'most'} {limit}{unit}"

    return check


def _characters(value: object) -> float | None:
    return len(value) if isinstance(value, str) else None


def _entries(value: object) -> float | None:
    return len(value) if isinstance(value, list | tuple) else None


def _size(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _under(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


_KEYWORDS: Mapping[str, Callable[[Mapping[str, object], object, str, int], Iterator[str]]] = {
    "type": _nothing,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _nothing,
    "items": _items,
    "enum": _choice,
    "const": _choice,
    "minLength": _bound("minLength", _characters, True, " characters long"),
    "maxLength": _bound("maxLength", _characters, False, " characters long"),
    "minItems": _bound("minItems", _entries, True, " entries long"),
    "maxItems": _bound("maxItems", _entries, False, " entries long"),
    "minimum": _bound("minimum", _size, True, ""),
    "maximum": _bound("maximum", _size, False, ""),
}
