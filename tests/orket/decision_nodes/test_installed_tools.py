"""The gate and the tools that are really installed understand each other."""

import json

import attrs
import pytest

from orket.decision_nodes.argument_schema import problems
from orket.decision_nodes.tool_gate import DefaultToolGate
from orket.domain.tools import Permission, Verdict
from orket.services.tools.toolbox import TOOLBOX
from tests.orket.decision_nodes.cases import asked, call

GOOD: dict[str, dict[str, object]] = {
    "read_file": {"path": "a.py"},
    "write_file": {"path": "a.py", "content": "x"},
    "list_directory": {},
    "update_issue_status": {"status": "code_review", "wait_reason": None},
    "add_issue_comment": {"comment": "hm"},
    "get_issue_context": {"issue_id": None},
    "create_issue": {"seat": "builder", "summary": "Write tests", "priority": 2.5},
    "apply_patch": {"path": "a.py", "patch": "@@ -1 +1 @@\n-a\n+b"},
    "search_files": {"text": "x", "path": "src", "name": "*.py"},
    "nominate_card": {"card_id": "C-2", "reason": "all wait for it"},
    "refinement_proposal": {"proposal": "cut it in two"},
    "request_excuse": {"reason": "which port?"},
    "report_credits": {"amount": 0.5, "reason": "calls"},
    "send_note": {"text": "mind the sign", "to": "guard"},
    "remember": {"text": "amounts are whole cents"},
    "search_memory": {"query": "amounts"},
    "run_command": {"argv": ["ls", "-l"], "timeout_s": 3},
}


@pytest.mark.parametrize("name", TOOLBOX)
def test_ordinary_arguments_fit_the_declaration_and_pass(name: str) -> None:
    spec = TOOLBOX[name].spec
    assert problems(spec.parameters_json, GOOD[name]) == ()
    given = attrs.evolve(asked(name, GOOD[name], role_tools=(name,)), call=call(name), spec=spec)
    assert DefaultToolGate().judge(given).verdict is Verdict.ALLOW


@pytest.mark.parametrize("name", TOOLBOX)
def test_every_keyword_of_a_declaration_is_known(name: str) -> None:
    schema = json.loads(TOOLBOX[name].spec.parameters_json)
    found = problems(TOOLBOX[name].spec.parameters_json, dict.fromkeys(schema["properties"], object()))
    assert not [one for one in found if "declaration" in one]


@pytest.mark.parametrize(
    "name", [name for name, tool in TOOLBOX.items() if "path" in tool.spec.parameters_json]
)
def test_a_tool_with_a_path_declares_it_so_that_the_gate_sees_it(name: str) -> None:
    spec = TOOLBOX[name].spec
    assert spec.path_arguments == ("path",)
    assert {Permission.READ_FILES, Permission.WRITE_FILES} & set(spec.permissions)
    bad = {**GOOD[name], "path": "../x"}
    given = attrs.evolve(asked(name, bad, role_tools=(name,)), call=call(name), spec=spec)
    assert DefaultToolGate().judge(given).rule == "path"
