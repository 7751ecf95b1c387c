"""What is offered of MCP servers, and why not; flat schemas let pass what whole ones let pass."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orket.decision_nodes.argument_schema import problems
from orket.domain.mcp import Catalogue, McpServer, described, differences, offer, recovery_of
from orket.domain.mcp_schema import flat_schema, schema_problem
from orket.domain.text import cleaned
from orket.domain.tools import Recovery

jsonschema = pytest.importorskip("jsonschema", reason="needs the extra 'mcp'")
SERVER = McpServer(name="s", command=("s",))
EMPTY: dict[str, Any] = {"type": "object", "properties": {}}

values = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text("ab", max_size=3))
arguments = st.dictionaries(
    st.sampled_from("xyz"),
    st.one_of(values, st.lists(values, max_size=3), st.dictionaries(st.sampled_from("xy"), values)),
    max_size=3,
)
simple = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "null", "boolean", ["string", "null"]])},
        optional={"minLength": st.integers(0, 2), "maximum": st.integers(-2, 2), "pattern": st.just("a")},
    ),
    st.fixed_dictionaries({"enum": st.lists(values, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": values}),
    st.sampled_from([{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/self"}, True]),
)
parts = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"minItems": st.just(1)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("xy"), inner)},
            optional={"required": st.just(["x"]), "additionalProperties": st.one_of(st.booleans(), inner)},
        ),
    ),
    max_leaves=4,
)


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(st.sampled_from("xyz"), parts, max_size=3), parts, arguments)
def test_a_flat_schema_lets_pass_what_the_whole_one_does(
    properties: dict[str, Any], one: Any, told: dict[str, Any]
) -> None:
    whole = {
        "type": "object",
        "properties": properties,
        "additionalProperties": True,
        "$defs": {"one": one, "self": {"type": "array", "items": {"$ref": "#/$defs/self"}}},
    }
    flat = flat_schema(whole)
    try:
        fits = jsonschema.Draft202012Validator(whole).is_valid(told)
    except RecursionError:
        return
    complaints = [one for one in problems(flat, told) if "is not an argument" not in one]
    assert not (fits and complaints), (flat, complaints)


@given(st.text(max_size=50), st.integers(1, 20))
def test_cleaned_text_is_one_short_printable_line(text: str, chars_max: int) -> None:
    line = cleaned(text, chars_max)
    assert len(line) <= chars_max
    assert line.isprintable()
    assert cleaned(line, chars_max) == line


def test_what_nobody_has_approved_is_not_offered() -> None:
    assert "nobody has approved" in offer(SERVER, None, {}).refused[0][1]
    elsewhere = Catalogue(where="https://elsewhere", tools=(described("a", "", EMPTY),))
    assert "another command or URL" in offer(SERVER, elsewhere, {}).refused[0][1]


def test_what_cannot_be_offered_is_named_with_the_reason() -> None:
    tools = (
        described("a.b", "Good\nfor\x1b[31m much.\u202e", EMPTY, read_only=True),
        described("a/b", "", EMPTY),
        described("x" * 70, "", EMPTY),
        described("far", "", {"type": "object", "properties": {"a": {"$ref": "https://elsewhere"}}}),
        described("list", "", {"type": "array"}),
        described("large", "", {"type": "object", "title": "x" * 20_000}),
        described("changed", "", EMPTY),
    )
    found = offer(SERVER, Catalogue(where=SERVER.where, tools=tools), {"changed": "changed its schema"})
    ((spec, recovery),) = ((one.spec, one.spec.recovery) for one in found.offered)
    assert (spec.name, spec.description, recovery) == ("s__a_b", "Good for [31m much.", Recovery.IDEMPOTENT)
    reasons = dict(found.refused)
    assert "has the name s__a_b already" in reasons["a/b"]
    assert "longer than 64" in reasons["x" * 70]
    assert "another one: https://elsewhere" in reasons["far"]
    assert "no object" in reasons["list"]
    assert "longer than 16000" in reasons["large"]
    assert reasons["changed"] == "changed its schema since it was approved: orket mcp approve s"


def test_the_house_decides_what_a_lost_call_means() -> None:
    plain, sure = described("a", "", EMPTY), described("b", "", EMPTY, idempotent=True)
    assert (recovery_of(SERVER, plain), recovery_of(SERVER, sure)) == ("ask_human", "idempotent")
    strict = McpServer(name="s", recovery=(("*", Recovery.ASK_HUMAN), ("a", Recovery.IDEMPOTENT)))
    assert (recovery_of(strict, plain), recovery_of(strict, sure)) == ("idempotent", "ask_human")


def test_differences_say_what_changed() -> None:
    before = [described(one, "", EMPTY) for one in "abcd"]
    now = [
        described("b", "New.", EMPTY),
        described("c", "", {"type": "object"}),
        described("d", "", EMPTY, read_only=True),
    ]
    assert differences(before, [*now, described("e", "", EMPTY)]) == {
        "a": "is gone",
        "b": "changed its description",
        "c": "changed its schema",
        "d": "changed its promises",
        "e": "is new",
    }
    assert not differences(before, before)


def test_a_schema_full_of_references_stays_small() -> None:
    many = {"type": "object", "properties": {str(n): {"$ref": "#/$defs/a"} for n in range(40)}}
    flat = flat_schema({**many, "$defs": {"a": many}})
    assert len(flat) < 100_000
    assert json.loads(flat)["type"] == "object"
    assert not schema_problem({**many, "default": {"$ref": "https://a value"}})
