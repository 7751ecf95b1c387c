"""Plain arguments that fit a plain declaration, told fast: most calls are of this kind.

``argument_schema`` is the law and words what is wrong. What is accepted here it accepts as well; what is not
accepted here is looked at there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import NoneType

Fits = Callable[[object], bool]

_SAYS_NOTHING = frozenset({"title", "description", "default", "examples", "format"})
_OBJECT = _SAYS_NOTHING | {"type", "properties", "required", "additionalProperties"}
_LEAF = _SAYS_NOTHING | {"type", "minLength", "maxLength", "enum", "minimum", "maximum"}
_TYPES: Mapping[object, type] = {"string": str, "null": NoneType, "boolean": bool, "integer": int}
_ENDLESS = float("inf")


def fits(schema_json: str, arguments: object) -> bool:
    """Whether these arguments certainly fit; False says nothing."""
    return _reader(schema_json)(arguments)


@lru_cache(256)
def _reader(schema_json: str) -> Fits:
    try:
        schema: object = json.loads(schema_json)
    except ValueError:
        return _unsure
    return _object(schema) if isinstance(schema, dict) else _unsure


def _unsure(_: object) -> bool:
    return False


def _object(schema: Mapping[str, object]) -> Fits:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if schema.get("type") != "object" or not _OBJECT.issuperset(schema):
        return _unsure
    if schema.get("additionalProperties", False) is not False or not isinstance(properties, dict):
        return _unsure
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        return _unsure
    leaves = {key: _leaf(one) for key, one in properties.items()}
    needed = frozenset(required)

    def read(value: object) -> bool:
        if type(value) is not dict or not needed <= value.keys():
            return False
        return all(key in leaves and leaves[key](one) for key, one in value.items())

    return read


def _leaf(schema: object) -> Fits:
    if not isinstance(schema, dict) or not _LEAF.issuperset(schema):
        return _unsure
    options = schema.get("enum")
    told = schema.get("type", "string" if "enum" in schema else None)  # a text among them is one of them
    names = told if isinstance(told, list) else [told]
    if not all(isinstance(one, str) and one in _TYPES for one in names):
        return _unsure
    types = frozenset(_TYPES[one] for one in names)
    limits = [schema.get(key, least) for key, least in _LIMITS]
    if not all(type(one) in (int, float) for one in limits):
        return _unsure
    least_chars, most_chars, least, most = limits

    def read(value: object) -> bool:
        kind = type(value)
        if kind not in types or (options is not None and (kind is not str or value not in options)):
            return False
        if type(value) is str:  # what is not plain may be half of a character
            return value.isascii() and least_chars <= len(value) <= most_chars
        return type(value) is not int or least <= value <= most

    return read if options is None or isinstance(options, list) else _unsure


_LIMITS = (("minLength", 0), ("maxLength", _ENDLESS), ("minimum", -_ENDLESS), ("maximum", _ENDLESS))
