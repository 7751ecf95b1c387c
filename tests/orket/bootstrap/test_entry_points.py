"""Entry points are found wherever the library finds them, and the library is asked only then."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

NAMED = "[other.group]\nx = y:z\n\n[orket.decision_nodes]\nplanner_node.mine = greeting:Mine\n"
FIND = """
import sys
from orket.bootstrap.entry_points import installed
found = installed("orket.decision_nodes")
print(*(f"{one.name}={one.value}" for one in found), "importlib.metadata" in sys.modules)
"""


def find(place: Path) -> str:
    """Look for decision nodes in a process that has ``place`` on its path."""
    code = f"import sys; sys.path.insert(0, {str(place)!r})\n{FIND}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


@pytest.mark.parametrize("folder", ["greeting-1.0.dist-info", "greeting.egg-info", "greeting.egg/EGG-INFO"])
def test_they_are_found_wherever_packages_describe_themselves(tmp_path: Path, folder: str) -> None:
    described = tmp_path / folder
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (described / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(NAMED)
    place = described.parent if folder.endswith("EGG-INFO") else tmp_path
    assert find(place) == "planner_node.mine=greeting:Mine True"


def test_they_are_found_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "greeting.zip", "w") as archive:
        archive.writestr(
            "greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n"
        )
        archive.writestr("greeting-1.0.dist-info/entry_points.txt", NAMED)
    assert find(tmp_path / "greeting.zip") == "planner_node.mine=greeting:Mine True"


def test_the_library_is_not_asked_where_no_package_names_the_group(tmp_path: Path) -> None:
    other = tmp_path / "other-1.0.dist-info"
    other.mkdir()
    (other / "entry_points.txt").write_text("[orket.decision]\nnodes = y:z\n")
    assert find(tmp_path) == "False"
