"""The shape of the code: sizes, names, and what may not be written. Each rule is also shown to fail."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
FORBIDDEN_STEM = re.compile(r"utils?|helpers?|managers?|common|.*_service")
SLEEPERS = frozenset({"time", "anyio", "asyncio", "trio"})
BARE_TASKS = frozenset({"create_task", "ensure_future"})
REASONED = re.compile(r"#\s*(type|pyright):\s*ignore\[[\w, -]+\]\s+#\s*\w+")
IGNORE = re.compile(r"#\s*(type|pyright):\s*ignore")

Rule = Callable[[ast.Module, str], Iterator[tuple[int, str]]]


def long_file(_: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """A file stops at 400 lines."""
    if (count := len(source.splitlines())) > FILE_LINES_MAX:
        yield 1, f"{count} lines, at most {FILE_LINES_MAX}"


def long_function(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """A function stops at 60 lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {count} lines, at most {FUNCTION_LINES_MAX}"


def no_docstring(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """A module begins with a line that says what it is."""
    if tree.body and not (ast.get_docstring(tree) or "").strip():
        yield 1, "no module docstring"


def broad_except(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """Catch what you expect; the one broad catch is the actor runtime's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = (
                {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else {""}
            )
            if caught & {"", "Exception", "BaseException", "ExceptionGroup", "BaseExceptionGroup"}:
                yield node.lineno, "broad except"


def sleeps(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """Tests wait for announced moments or move the clock."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep":
            if isinstance(node.func.value, ast.Name) and node.func.value.id in SLEEPERS:
                yield node.lineno, "sleeps"
        elif isinstance(node, ast.ImportFrom) and node.module in SLEEPERS:
            yield from ((node.lineno, "imports sleep") for one in node.names if one.name == "sleep")


def draws_while_awaited(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """Async tests are given what Hypothesis draws.

    A draw inside one may end in ``StopTest``, a ``BaseException``; anyio's test runner, which fixtures share,
    ends with it, and the examples after it fail.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            for argument in node.args.args:
                if argument.annotation and ast.unparse(argument.annotation).endswith("DataObject"):
                    yield node.lineno, f"{node.name} draws while it runs"


def bare_task(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """Tasks live in task groups."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in BARE_TASKS:
                yield node.lineno, f"{name} outside a task group"


def prints(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """Only the command line speaks to a terminal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno, "prints"


def module_state(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """No registry or cache at module level, and no ``global``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield node.lineno, "global"
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _is_empty_container(statement.value):
            yield statement.lineno, "an empty container at module level is state"


def _is_empty_container(value: ast.expr | None) -> bool:
    match value:
        case ast.List(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Call(func=ast.Name(id="list" | "dict" | "set" | "defaultdict" | "deque"), args=[]):
            return True
    return False


def loose_mapping(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """``dict[str, Any]`` stays at the wire."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node) in {"dict[str, Any]", "Mapping[str, Any]"}:
            yield node.lineno, ast.unparse(node)


def checker_import(tree: ast.Module, _: str) -> Iterator[tuple[int, str]]:
    """An import for type checkers alone would get past the layers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.name == "TYPE_CHECKING":
            yield node.lineno, "TYPE_CHECKING"


def bare_ignore(_: ast.Module, source: str) -> Iterator[tuple[int, str]]:
    """A type-ignore carries a code and, in a comment of its own, the reason."""
    if not IGNORE.search(source):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and IGNORE.match(token.string) and not REASONED.match(token.string):
            yield token.start[0], f"{token.string!r} lacks a code or a reason"


PACKAGES = ("actors", "orket")
OWN = (*PACKAGES, "scripts", "benchmarks")
EVERYWHERE = (*OWN, "tests")
# The runner is a program of its own in the sandbox: it answers on its output, and what a fixture raises is
# that fixture's failure.
RUNNER = "orket/services/verification_runner.py"
# It flattens the JSON Schemas that msgspec makes, which are just that.
SCHEMAS = "orket/services/tools/tool.py"
# Which rule holds where, and what is exempt, by the beginning of its path.
RULES: tuple[tuple[Rule, tuple[str, ...], tuple[str, ...]], ...] = (
    (long_file, OWN, ()),
    (long_function, OWN, ()),
    (no_docstring, EVERYWHERE, ()),
    (broad_except, ("orket",), (RUNNER,)),
    # There time is virtual, and sleeping is what is tested; clients of the long suites dawdle on purpose.
    (sleeps, ("tests",), ("tests/testing/", "tests/orket/testing/", "tests/long/")),
    (draws_while_awaited, ("tests",), ()),
    (bare_task, PACKAGES, ()),
    (prints, PACKAGES, ("orket/interfaces/cli/", RUNNER)),
    (module_state, PACKAGES, ()),
    (loose_mapping, ("orket",), ("orket/wire/", SCHEMAS)),
    (checker_import, ("orket",), ()),
    (bare_ignore, PACKAGES, ()),
)

# One line of code per rule that breaks it.
PLANTED: dict[str, str] = {
    "long_file": '"""A file."""\n' + "x = 1\n" * FILE_LINES_MAX,
    "long_function": '"""A file."""\ndef f():\n' + "    x = 1\n" * FUNCTION_LINES_MAX,
    "no_docstring": "x = 1\n",
    "broad_except": "try:\n    pass\nexcept (OSError, Exception):\n    pass\n",
    "sleeps": "import anyio\nasync def test():\n    await anyio.sleep(1)\n",
    "draws_while_awaited": "async def test(data: st.DataObject) -> None: ...\n",
    "bare_task": "import asyncio\nasyncio.create_task(f())\n",
    "prints": "print('hello')\n",
    "module_state": "_REGISTRY = {}\n",
    "loose_mapping": "def f(x: dict[str, Any]): ...\n",
    "checker_import": "from typing import TYPE_CHECKING\n",
    "bare_ignore": "x = 1  # type: ignore[misc]\n",
}


@cache
def _parsed(folder: str) -> tuple[tuple[Path, str, ast.Module], ...]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    texts = [(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in paths]
    return tuple((path, text, ast.parse(text)) for path, text in texts)


def _sources(folders: tuple[str, ...]) -> Iterator[tuple[Path, str, ast.Module]]:
    for folder in folders:
        yield from _parsed(folder)


@pytest.mark.parametrize(("rule", "folders", "exempt"), RULES, ids=[rule.__name__ for rule, _, _ in RULES])
def test_the_code_keeps_the_rule(rule: Rule, folders: tuple[str, ...], exempt: tuple[str, ...]) -> None:
    broken = [
        f"{path}:{line}: {what}"
        for path, source, tree in _sources(folders)
        if not path.as_posix().startswith(exempt)
        for line, what in rule(tree, source)
    ]
    assert not broken, "\n".join([rule.__doc__ or "", *broken])


@pytest.mark.parametrize("rule", [rule for rule, _, _ in RULES], ids=[rule.__name__ for rule, _, _ in RULES])
def test_the_rule_can_fail(rule: Rule) -> None:
    source = PLANTED[rule.__name__]
    assert list(rule(ast.parse(source), source))


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore[arg-type]  # the stub is wrong",
        "# pyright: ignore[reportX]  # a reason",
        "# ignore nothing",
    ],
)
def test_a_reasoned_ignore_is_fine(comment: str) -> None:
    source = f"x = 1  {comment}\n"
    assert not list(bare_ignore(ast.parse(source), source))


def test_no_file_has_a_name_that_says_nothing() -> None:
    named = [
        path
        for path, _, _ in _sources(OWN)
        if any(FORBIDDEN_STEM.fullmatch(Path(part).stem) for part in path.parts)
    ]
    assert not named
    assert FORBIDDEN_STEM.fullmatch("card_service")
    assert FORBIDDEN_STEM.fullmatch("utils")
    assert not FORBIDDEN_STEM.fullmatch("commonality")


def test_type_ignores_are_rare() -> None:
    """Under 1 per 1,000 lines, counted over both packages, with five to start with."""
    sources = [source for _, source, _ in _sources(PACKAGES)]
    lines = sum(len(source.splitlines()) for source in sources)
    ignores = sum(len(IGNORE.findall(source)) for source in sources)
    assert ignores <= 5 + lines / 1000


def test_nothing_names_the_machine_it_was_written_on() -> None:
    """A path of one machine in the sources would break on every other."""
    machine = re.compile(r"(?<![\w.])" + "/" + r"(root|work)/")
    folders = ("actors", "orket", "scripts", "benchmarks", "tests", "docs")
    named = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".json", ".toml", ".sql", ".html", ".js", ".css", ".yml"}
        if "_build" not in path.parts
        for found in [machine.search(path.read_text(encoding="utf-8"))]
        if found
    ]
    assert not named
