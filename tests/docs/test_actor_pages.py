"""The actor pages are complete and true: rules have tests, names have entries, errors are all there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import actors
import actors.errors

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
SEMANTICS = (REFERENCE / "actors-semantics.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[([^\]]+)\]\(\.\./\.\./(tests/actors/\w+\.py)\)")
RULES = [line for line in SEMANTICS.splitlines() if line.startswith("| ") and "tests/actors" in line]


def test_the_table_has_every_rule() -> None:
    assert len(RULES) >= 29


@pytest.mark.parametrize("rule", RULES, ids=[rule.split("|")[1].strip() for rule in RULES])
def test_each_rule_is_shown_by_tests_that_exist(rule: str) -> None:
    shown = LINK.findall(rule)
    assert shown
    for sentence, path in shown:
        name = "test_" + sentence.replace(" ", "_")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), name


def test_the_rules_of_the_specification_are_all_tested_on_the_page() -> None:
    """Each test of the table's own files is linked, so that a new rule gets a row."""
    linked = {"test_" + sentence.replace(" ", "_") for sentence, _ in LINK.findall(SEMANTICS)}
    of_the_table = set(
        re.findall(r"def (test_\w+)\(", (ROOT / "tests/actors/test_table.py").read_text(encoding="utf-8"))
    )
    assert of_the_table <= linked


def test_every_exported_name_has_an_entry_with_its_docstring() -> None:
    page = (REFERENCE / "actors-api.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == actors.__all__


def test_every_error_is_on_the_page_of_errors() -> None:
    page = (REFERENCE / "actors-errors.md").read_text(encoding="utf-8")
    errors = [
        name
        for name, value in vars(actors.errors).items()
        if isinstance(value, type) and issubclass(value, actors.ActorsError)
    ]
    tree = page.split("```text\n")[1].split("```")[0]
    assert sorted(re.findall(r"[A-Z]\w+(?=\s*$|\s{2,})", tree, re.MULTILINE)) == sorted(errors)
    bases = {"ActorsError", "DeliveryError", "ReplyError"}
    rows = set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))
    assert rows == set(errors) - bases


SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = sorted([*(ROOT / "docs" / "how-to" / "actors").glob("*.md"), REFERENCE / "actors-errors.md"])


@pytest.mark.timeout(300)  # without a cache it reads every dependency's types
def test_the_snippets_pass_mypy_strict(tmp_path: Path) -> None:
    """A page is one module to the type checker, as it is one namespace when it runs."""
    for page in PAGES:
        module = tmp_path / f"{page.stem.replace('-', '_')}.py"
        module.write_text("\n".join(SNIPPET.findall(page.read_text(encoding="utf-8"))), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", *map(str, tmp_path.iterdir())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
