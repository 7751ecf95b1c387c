"""The iDesign rules about the content of Python files, alone and through the gate."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import GateInput
from orket.decision_nodes.idesign_code import METHODS_MAX, code_problem, crowded_classes
from orket.decision_nodes.tool_gate import DefaultToolGate, IDesignToolGate
from orket.domain.tools import Verdict
from tests.orket.decision_nodes.test_tool_gate import asked


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("managers/run_manager.py", "class RunManager: ...", ""),
        ("managers/run_manager.py", "class Run: ...", "CLASS_NAME: line 1"),
        ("managers/run_manager.py", "x = 1\nclass A_MANAGER_x:\n    class Inner: ...", "CLASS_NAME: line 3"),
        ("managers/run_manager.py", "class RunManager: ...\nclass RunError(Exception): ...", ""),
        ("tests/test_run_manager.py", "class Runs(unittest.TestCase): ...", ""),
        ("managers/manager_engine.py", "class JustEngine: ...", "CLASS_NAME"),
        ("managers/run_manager.py", "import billing_engine, money_accessor", ""),
        ("engines/tax_engine.py", "from accessors.tax_accessor import TaxAccessor", ""),
        ("engines/tax_engine.py", "from managers.run_manager import X", "IMPORT: line 1"),
        ("engines/tax_engine.py", "def f():\n    import run_manager", "IMPORT: line 2"),
        ("engines/tax_engine.py", "from . import run_manager", "IMPORT"),
        ("accessors/db_accessor.py", "import engines.tax", "IMPORT"),
        ("accessors/db_accessor.py", "from x import TaxManager", "IMPORT"),
        ("accessors/db_accessor.py", "import sqlite3", ""),
        ("utils/text.py", "class Anything: ...", ""),
        ("utils/text.py", "def broken(:", "SYNTAX_ERROR: line 1"),
        ("utils/text.py", "x = 1\n\ny = = 2\n", "SYNTAX_ERROR: line 3"),
        ("utils/text.py", "a\0b", "SYNTAX_ERROR"),
        ("utils/text.py", "(" * 5_000, "SYNTAX_ERROR"),
        ("utils/text.ts", "def broken(:", ""),
        ("managers/notes_manager.md", "class Run: ...", ""),
    ],
)
def test_the_rules(path: str, content: str, problem: str) -> None:
    assert code_problem(path, content).startswith(problem) == bool(problem or not code_problem(path, content))
    assert bool(code_problem(path, content)) == bool(problem)


def test_many_methods_are_worth_a_remark() -> None:
    body = "".join(f"    async def m{n}(self): ...\n" for n in range(METHODS_MAX + 1))
    assert crowded_classes(f"class Big:\n{body}class Small: ...") == ("Big",)
    assert crowded_classes("class Big(:") == ()


@given(content=st.text(max_size=200))
def test_no_content_makes_it_raise(content: str) -> None:
    assert isinstance(code_problem("engines/x_engine.py", content), str)


def test_the_gate_applies_them_where_the_epic_wants_iDesign() -> None:  # noqa: N802  # its name
    def write(*, idesign: bool) -> GateInput:
        arguments = {"path": "engines/tax_engine.py", "content": "class Tax: ..."}
        return attrs.evolve(asked("write_file", arguments), idesign=idesign)

    said = IDesignToolGate().judge(write(idesign=True))
    assert (said.verdict, said.rule) == (Verdict.DENY, "idesign_code")
    assert IDesignToolGate().judge(write(idesign=False)).verdict is Verdict.ALLOW
    assert DefaultToolGate().judge(write(idesign=True)).verdict is Verdict.ALLOW


def test_a_large_class_is_allowed_and_remarked_upon() -> None:
    content = "class TaxEngine:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(METHODS_MAX + 1))
    arguments = {"path": "engines/tax_engine.py", "content": content}
    said = IDesignToolGate().judge(attrs.evolve(asked("write_file", arguments), idesign=True))
    assert said.verdict is Verdict.ALLOW
    assert said.reason.endswith("; TaxEngine: over 15 methods")


def test_a_tool_that_destroys_wants_to_be_confirmed() -> None:
    given_input = asked("write_file", {"path": "x", "content": "x"})
    assert given_input.spec is not None
    schema = json.loads(given_input.spec.parameters_json)
    schema["properties"]["confirm"] = {"type": "boolean"}
    spec = attrs.evolve(given_input.spec, destructive=True, parameters_json=json.dumps(schema))
    gate = DefaultToolGate()
    assert gate.judge(attrs.evolve(given_input, spec=spec)).rule == "confirm"
    for word, rule in ((True, "role_tools"), (False, "confirm")):
        arguments = {**given_input.arguments, "confirm": word}
        assert gate.judge(attrs.evolve(given_input, spec=spec, arguments=arguments)).rule == rule
