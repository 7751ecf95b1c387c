"""Every test that the page of warning signs names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "explanation" / "warning-signs.md"
ROW = re.compile(
    r"^\| (?!What went wrong|---)(.+) \| (.+) \| `(tests/[\w/]+\.py)::(test_\w+)` \|$", re.MULTILINE
)
ROWS = ROW.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("path", "name"), [row[2:] for row in ROWS], ids=[row[3] for row in ROWS])
def test_the_test_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, functions)}


def test_every_row_is_read_and_each_defect_is_listed_once() -> None:
    lines = [one for one in PAGE.read_text(encoding="utf-8").splitlines() if one.startswith("|")]
    headings = sum(one.startswith("| What went wrong") for one in lines)
    assert len(ROWS) == len(lines) - 2 * headings >= 60
    assert len({row[0] for row in ROWS}) == len(ROWS)
