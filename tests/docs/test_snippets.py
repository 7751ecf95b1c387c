"""Every Python snippet of the README and the documentation runs, on the real code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
PYTHON = re.compile(r"^```(?:python|py)\b", re.MULTILINE)


def snippets(path: Path) -> Sybil:
    return Sybil(parsers=[PythonCodeBlockParser(), SkipParser()], path=str(path.parent), pattern=path.name)


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.relative_to(ROOT).as_posix() for path in DOCUMENTS])
def test_the_snippets_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They share a namespace per page, in order, and an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    examples = list(snippets(path).parse(path).examples())
    assert len(examples) >= len(PYTHON.findall(path.read_text(encoding="utf-8")))
    for example in examples:
        example.evaluate()


def test_a_wrong_snippet_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nassert 1 == 2\n```\n", encoding="utf-8")
    (example,) = snippets(page).parse(page).examples()
    with pytest.raises(AssertionError):
        example.evaluate()
