"""What the installed tools declare."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.argument_schema import problems
from orket.domain.errors import SettingsError
from orket.domain.identifiers import CallId
from orket.domain.tools import Permission, Recovery
from orket.services.tools.create_issue import issue_id
from orket.services.tools.tool import OUTPUT_CHARS_MAX, bounded
from orket.services.tools.toolbox import TOOLBOX, make_toolbox

FITTING = {
    "read_file": [{"path": "x"}],
    "write_file": [{"path": "x", "content": ""}],
    "list_directory": [{}, {"path": "x"}],
    "update_issue_status": [{"status": "code_review"}, {"status": "blocked", "wait_reason": None}],
    "add_issue_comment": [{"comment": "x"}],
    "get_issue_context": [{}, {"issue_id": None}],
    "create_issue": [
        {"seat": "s", "summary": "y", "priority": 2.5},
        {"seat": "s", "summary": "y", "type": "bug"},
    ],
    "apply_patch": [{"path": "x", "patch": "@@"}],
    "search_files": [{"text": "x"}, {"text": "x", "path": "y", "name": "*.py", "ignore_case": True}],
    "nominate_card": [{"card_id": "C-2", "reason": "x"}],
    "refinement_proposal": [{"proposal": "x"}],
    "request_excuse": [{"reason": "x"}],
    "report_credits": [{"amount": 0.5}, {"amount": 3, "reason": "calls"}],
    "send_note": [{"text": "x"}, {"text": "x", "to": "guard"}],
    "remember": [{"text": "x"}],
    "search_memory": [{"query": ""}, {"query": "x", "limit": 3}],
    "run_command": [{"argv": ["ls"]}, {"argv": "ls -l", "stdin": "x", "timeout_s": 3}],
}


@pytest.mark.parametrize("name", TOOLBOX)
def test_the_declared_schema_is_one_that_the_gate_can_read(name: str) -> None:
    schema = TOOLBOX[name].spec.parameters_json
    assert json.dumps(json.loads(schema), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == schema
    for arguments in FITTING[name]:
        assert problems(schema, arguments) == ()
        assert problems(schema, {**arguments, "more": 1})
    assert all(one["description"] for one in json.loads(schema)["properties"].values())


@pytest.mark.parametrize("name", TOOLBOX)
def test_each_tool_declares_what_it_touches(name: str) -> None:
    spec = TOOLBOX[name].spec
    assert spec.name == name
    assert spec.description
    assert spec.permissions
    assert set(spec.path_arguments) <= set(json.loads(spec.parameters_json)["properties"])
    touches_files = {Permission.READ_FILES, Permission.WRITE_FILES} & set(spec.permissions)
    assert bool(touches_files) == bool(spec.path_arguments)


def test_only_commands_and_patches_cannot_be_repeated() -> None:
    careful = {name: tool.spec.recovery for name, tool in TOOLBOX.items()}
    careful = {name: one for name, one in careful.items() if one is not Recovery.IDEMPOTENT}
    assert careful == {"run_command": Recovery.ASK_HUMAN, "apply_patch": Recovery.PROBE}


def test_the_toolbox_is_frozen_and_has_each_name_once() -> None:
    with pytest.raises(TypeError):
        TOOLBOX["x"] = TOOLBOX["read_file"]  # type: ignore[index]  # what the test is about
    with pytest.raises(SettingsError, match="read_file"):
        make_toolbox([TOOLBOX["read_file"], TOOLBOX["read_file"]])


@given(st.text(), st.integers(min_value=2, max_value=100))
def test_bounded_text_keeps_both_ends(text: str, chars_max: int) -> None:
    kept = bounded(text, chars_max)
    half = chars_max // 2
    assert kept == text if len(text) <= chars_max else kept.startswith(text[:half])
    assert len(kept) <= chars_max + 50
    assert kept.endswith(text[-half:])


@given(st.text(), st.text())
def test_issue_ids_follow_from_the_call(left: str, right: str) -> None:
    assert issue_id(CallId(left)) == issue_id(CallId(left))
    assert (issue_id(CallId(left)) == issue_id(CallId(right))) == (left == right)


def test_the_default_bound_leaves_room_for_a_source_file() -> None:
    assert bounded("x" * OUTPUT_CHARS_MAX) == "x" * OUTPUT_CHARS_MAX
