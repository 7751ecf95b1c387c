"""What is accepted at a glance is what the law accepts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.argument_schema import complaints
from orket.decision_nodes.plain_arguments import fits
from orket.services.tools.toolbox import TOOLBOX

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-3, 3),
    st.text("ab\ud800é", max_size=3),
    st.just([]),
)
TYPES = st.sampled_from(["string", "null", "boolean", "integer", "number", "array", "text"])
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, max_size=3),
        "description": st.just("d"),
        "minLength": st.integers(0, 2) | st.just("1"),
        "maxLength": st.integers(0, 2),
        "minimum": st.integers(-1, 1) | st.booleans(),
        "maximum": st.integers(-1, 1),
        "enum": st.lists(VALUES, max_size=3) | st.just("ab"),
        "pattern": st.just("a"),
    },
)
NAMES = st.sampled_from(["x", "y"])
SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("object")},
    optional={
        "properties": st.dictionaries(NAMES, LEAVES | st.just(7), max_size=2),
        "required": st.lists(NAMES, max_size=2),
        "additionalProperties": st.booleans(),
        "minItems": st.just(1),
    },
)


@given(SCHEMAS | st.just([]), st.dictionaries(NAMES, VALUES, max_size=2))
def test_what_is_accepted_at_a_glance_has_no_problems(schema: object, arguments: dict[str, object]) -> None:
    written = json.dumps(schema)
    if fits(written, arguments):
        assert complaints(written, arguments) == ()


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("write_file", {"path": "a.py", "content": "x"}),
        ("add_issue_comment", {"comment": "Look."}),
        ("get_issue_context", {"issue_id": None}),
        ("update_issue_status", {"status": "done"}),
    ],
)
def test_ordinary_calls_are_accepted_at_a_glance(tool: str, arguments: dict[str, object]) -> None:
    written = TOOLBOX[tool].spec.parameters_json
    assert fits(written, arguments)
    assert not fits(written, {**arguments, "more": 1})
    assert not fits(written, dict.fromkeys(arguments, 1.5))


@pytest.mark.parametrize("schema", ["", "nope", "null", "{}", '{"type":"string"}'])
def test_what_cannot_be_read_accepts_nothing(schema: str) -> None:
    assert not fits(schema, {})
