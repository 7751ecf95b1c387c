"""The parts of the gate on their own: argument schemas, iDesign, policies, path spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.argument_schema import DEPTH_MAX, PROBLEMS_MAX, problems
from orket.decision_nodes.idesign import CATEGORIES, idesign_problem
from orket.decision_nodes.policy import policy_version, rule_policy
from orket.decision_nodes.workspace_paths import is_verification, normal, path_problem
from orket.domain.assets import PolicyRule
from orket.domain.tools import Verdict


def wrong(schema: object, **arguments: object) -> list[str]:
    return list(problems(json.dumps({"type": "object", **schema}), arguments))  # type: ignore[dict-item]  # a dict in tests


@pytest.mark.parametrize(
    ("schema", "good", "bad", "complaint"),
    [
        ({"type": "string"}, "x", 1, "must be string, not integer"),
        ({"type": "integer"}, 1, True, "must be integer, not boolean"),
        ({"type": "integer"}, 1.0, 1.5, "must be integer, not number"),
        ({"type": "number"}, 1, "1", "must be number, not string"),
        ({"type": "boolean"}, False, 0, "must be boolean, not integer"),
        ({"type": "array"}, [], {}, "must be array, not object"),
        ({"type": "object"}, {}, [], "must be object, not array"),
        ({"type": ["string", "null"]}, None, 1, "must be string or null, not integer"),
        ({"enum": ["a", 1]}, 1, True, 'must be one of ["a", 1]'),
        ({"const": "a"}, "a", "b", 'must be one of ["a"]'),
        ({"minLength": 2}, "ab", "a", "must be at least 2 characters long"),
        ({"maxLength": 1}, "a", "ab", "must be at most 1 characters long"),
        ({"minItems": 1}, ["a"], [], "must be at least 1 entries long"),
        ({"maxItems": 1}, [], [1, 2], "must be at most 1 entries long"),
        ({"minimum": 3}, 3, 2.5, "must be at least 3"),
        ({"maximum": 3}, 3, 4, "must be at most 3"),
        ({}, "anything", None, None),
        (
            {"type": "string", "description": "d", "default": "x", "title": "t"},
            "y",
            1,
            "must be string, not integer",
        ),
    ],
)
def test_each_keyword(schema: object, good: object, bad: object, complaint: str | None) -> None:
    declared = {"properties": {"x": schema}}
    assert wrong(declared, x=good) == []
    assert wrong(declared, x=bad) == ([] if complaint is None else [f"/x: {complaint}"])


def test_pointers_lead_into_objects_and_arrays_and_are_escaped() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    declared = {"properties": {"list": {"type": "array", "items": inner}}}
    assert wrong(declared, list=[{"n": 1}, {"n": "x"}, {}, {"n": 1, "a/b~": 0}]) == [
        "/list/1/n: must be integer, not string",
        "/list/2/n: is required",
        "/list/3/a~1b~0: is not an argument (known: n)",
    ]


def test_unknown_keys_are_wrong_unless_the_declaration_wants_them() -> None:
    assert wrong({}, x=1) == ["/x: is not an argument (known: none)"]
    assert wrong({"additionalProperties": True}, x=1) == []
    assert wrong({"additionalProperties": {"type": "string"}}, x=1, y="") == [
        "/x: must be string, not integer"
    ]


@pytest.mark.parametrize(
    "schema",
    [{"pattern": ".*"}, {"anyOf": []}, {"$ref": "#"}, {"type": "text"}, {"type": 3}, {"minimum": "1"}, 7],
)
def test_a_declaration_that_cannot_be_checked_lets_nothing_pass(schema: object) -> None:
    assert wrong({"properties": {"x": schema}}, x=1)


@pytest.mark.parametrize("schema", ["", "[]", "nope", "null"])
def test_a_declaration_that_is_no_object_lets_nothing_pass(schema: str) -> None:
    assert problems(schema, {})


def test_depth_and_number_of_complaints_are_bounded() -> None:
    assert len(wrong({}, **{f"k{n}": 0 for n in range(100)})) == PROBLEMS_MAX
    deep: object = 1
    for _ in range(DEPTH_MAX + 2):
        deep = [deep]
    assert wrong({"properties": {"x": {"type": "array"}}}, x=deep)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("ledger.py", "ROOT_FILE_VIOLATION"),
        ("web.ts", "ROOT_FILE_VIOLATION"),
        ("README.md", ""),
        ("stuff/x.py", "CATEGORY_VIOLATION"),
        ("stuff/x.md", ""),
        ("tests/test_x.py", ""),
        ("src/tests/test_x.py", ""),
        ("product/tests/x.py", ""),
        ("product/product/tests/x.py", ""),
        ("product/product/x.py", "CATEGORY_VIOLATION"),
        ("src/x.py", "CATEGORY_VIOLATION"),
        ("Managers/order_manager.py", ""),
        ("managers/OrderManager.md", ""),
        ("managers/order.py", "NAMING_VIOLATION"),
        ("engines/order.md", "NAMING_VIOLATION"),
        ("accessors/deep/order_accessor.py", ""),
        ("./tests//x.py", ""),
    ],
)
def test_idesign_paths(path: str, code: str) -> None:
    assert idesign_problem(path).partition(":")[0] == code


@given(st.sampled_from(sorted(CATEGORIES)), st.sampled_from(["", "src/", "product/"]))
def test_every_category_takes_a_file_that_carries_its_name(category: str, prefix: str) -> None:
    assert idesign_problem(f"{prefix}{category}/{category.rstrip('s')}_x.py") == ""


def test_an_allow_rule_closes_the_tool_it_names() -> None:
    policy = [PolicyRule(effect="allow", tool="write_file", path="src/*", seat="builder")]
    assert rule_policy(policy, "write_file", ["src/a"], "builder").verdict is Verdict.ALLOW
    assert rule_policy(policy, "write_file", ["docs/a"], "builder").verdict is Verdict.DENY
    assert rule_policy(policy, "write_file", ["src/a", "docs/a"], "builder").verdict is Verdict.DENY
    assert rule_policy(policy, "write_file", ["src/a"], "guard").verdict is Verdict.DENY
    assert rule_policy(policy, "read_file", ["docs/a"], "guard").verdict is Verdict.ALLOW
    asking = [*policy, PolicyRule(effect="ask", tool="write_file", path="docs/*")]
    assert rule_policy(asking, "write_file", ["docs/a"], "builder").verdict is Verdict.ASK
    assert rule_policy(asking, "write_file", ["x/a"], "builder").verdict is Verdict.DENY


def test_a_path_rule_says_nothing_about_tools_without_paths() -> None:
    for effect in ("allow", "deny", "ask"):
        policy = [PolicyRule(effect=effect, path="src/*")]
        assert rule_policy(policy, "update_issue_status", [], "builder").verdict is Verdict.ALLOW


def test_a_rule_nobody_understands_denies() -> None:
    assert rule_policy([PolicyRule(effect="permit")], "read_file", [], "s").verdict is Verdict.DENY


rules = st.builds(PolicyRule, effect=st.text(max_size=4), tool=st.text(max_size=4), path=st.text(max_size=4))


@given(st.lists(rules, max_size=3), st.lists(rules, max_size=3))
def test_a_policy_version_names_its_content(one: list[PolicyRule], other: list[PolicyRule]) -> None:
    assert (policy_version(one, "n/1") == policy_version(other, "n/1")) == (one == other)
    assert policy_version(one, "n/1") != policy_version(one, "n/2")
    assert len(policy_version(one, "n/1")) == 16


def test_a_policy_version_is_stable_across_releases() -> None:
    policy = (PolicyRule(effect="deny", tool="write_file", path="x/*"),)
    assert policy_version(policy, "default/1") == "1c9614a7b9a13f1a"


@given(st.lists(st.sampled_from(["a", ".", "", "b.c"]), max_size=6))
def test_normal_spelling_is_idempotent_and_harmless(names: list[str]) -> None:
    path = "/".join(names)
    assert normal(normal(path)) == normal(path)
    if not path_problem(path):
        assert path_problem(normal(path)) == ""


def test_only_the_first_folder_is_the_verification_folder() -> None:
    assert is_verification("verification")
    assert is_verification(".//VERIFICATION/x")
    assert not is_verification("src/verification/x")
    assert not is_verification("verifications/x")
    assert not is_verification(".")
