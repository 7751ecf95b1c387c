"""The reference pages say what the code says: generated parts are fresh, hand-written lists are complete."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(?:#[\w-]+)?\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
TOCTREE = re.compile(r"```\{toctree\}(.*?)```", re.DOTALL)


def build(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "build_reference.py"
    return subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_generated_parts_are_fresh() -> None:
    result = build("--check")
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_generated_part_has_content() -> None:
    found = re.findall(r"<!-- generated: (\w+) -->\n(.*?)<!-- end -->", _all_reference(), re.DOTALL)
    assert len(found) == 14
    assert all(len(text) > 200 for _, text in found)


def test_every_variable_that_is_read_is_documented() -> None:
    """Those of the decision nodes have a page of their own."""
    sources = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "orket").rglob("*.py"))
    read = {one for one in re.findall(r"\bORKET_[A-Z]+(?:_[A-Z]+)*\b", sources) if not one.endswith("_NODE")}
    documented = set(re.findall(r"ORKET_[A-Z_]+", (REFERENCE / "settings.md").read_text(encoding="utf-8")))
    assert read <= documented


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = {line.strip() for block in TOCTREE.findall(index) for line in block.splitlines()}
    assert {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in _pages()} - {
        "index"
    } <= listed


def test_every_link_leads_to_a_file() -> None:
    pages = [*_pages(), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
        if not (page.parent / target).exists()
    ]
    assert not dead


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 100


def _pages() -> Iterator[Path]:
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if "_build" not in path.parts and "examples" not in path.parts:
            yield path


def _all_reference() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md")))
