"""What a public package exports is a sorted ``__all__``, and it is what the documentation lists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PUBLIC = ["actors", "actors.testing", "actors.top", "orket.testing"]
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_sorted_complete_and_real(name: str) -> None:
    package = importlib.import_module(name)
    exported: list[str] = package.__all__
    assert exported == sorted(exported)
    assert len(exported) == len(set(exported))
    assert all(hasattr(package, one) for one in exported)
    public = {one for one, value in vars(package).items() if not one.startswith("_") and not is_module(value)}
    assert public == set(exported)


def is_module(value: object) -> bool:
    return isinstance(value, type(re))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_exported_name_has_a_docstring_of_its_own(name: str) -> None:
    package = importlib.import_module(name)
    assert [one for one in package.__all__ if not (getattr(package, one).__doc__ or "").strip()] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_the_documentation_lists_exactly_these(name: str) -> None:
    page = ROOT / "docs" / "reference" / f"{name.replace('.', '-')}.md"
    assert ROW.findall(page.read_text(encoding="utf-8")) == importlib.import_module(name).__all__


def test_the_packages_carry_their_types() -> None:
    assert (ROOT / "actors" / "py.typed").exists()
    assert (ROOT / "orket" / "py.typed").exists()
