"""An upper layer over a project is read as the kernel shows it mounted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from orket.domain.errors import ToolError
from orket.infrastructure.sandboxes.overlay_view import Layers, list_through, read_through


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Layers]:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for path, content in {
        "lower/kept": "lower",
        "lower/both": "lower",
        "lower/gone": "lower",
        "lower/folder/below": "lower",
        "lower/filed/below": "lower",
        "lower/hidden/below": "lower",
        "lower/made": "a file",
        "upper/both": "upper",
        "upper/folder/above": "upper",
        "upper/filed": "a file now",
        "upper/hidden/above": "upper",
        "upper/made/above": "a folder now",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    os.mknod(upper / "gone", stat.S_IFCHR, os.makedev(0, 0))
    os.mknod(upper / "folder/swept", stat.S_IFCHR, os.makedev(0, 0))
    (lower / "folder/swept").mkdir()
    (lower / "folder/swept/below").write_text("lower")
    os.setxattr(upper / "hidden", "user.overlay.opaque", b"y")
    (lower / "link").symlink_to(tmp_path)
    (upper / "leaf").symlink_to(lower / "kept")
    fds = [os.open(one, os.O_RDONLY | os.O_DIRECTORY) for one in (upper, lower)]
    yield fds
    for fd in fds:
        os.close(fd)


def test_what_is_shown(layers: Layers) -> None:
    names = ("both", "filed", "folder/", "hidden/", "kept", "leaf", "link", "made/")
    assert list_through(layers, ".") == names
    assert list_through(layers, "folder") == ("above", "below")
    assert list_through(layers, "hidden/") == ("above",)
    assert list_through(layers, "made") == ("above",)
    assert read_through(layers, "both", 100) == b"upper"
    assert read_through(layers, "./folder/below", 100) == b"lower"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("gone", "not_found"),
        ("folder/swept", "not_found"),
        ("folder/swept/below", "not_found"),
        ("hidden/below", "not_found"),
        ("filed/below", "not_a_folder"),
        ("none/below", "not_found"),
        ("folder", "not_a_file"),
        ("kept/", "not_a_file"),
        ("", "not_a_file"),
        ("link/upper/both", "outside_workspace"),
        ("leaf", "outside_workspace"),
        ("../lower/kept", "outside_workspace"),
        ("filed", "too_large"),
    ],
)
def test_what_is_not(layers: Layers, path: str, code: str) -> None:
    with pytest.raises(ToolError) as caught:
        read_through(layers, path, 9)
    assert caught.value.code == code


@pytest.mark.parametrize("path", ["gone", "filed", "kept", "link"])
def test_what_is_no_folder_is_not_listed(layers: Layers, path: str) -> None:
    with pytest.raises(ToolError):
        list_through(layers, path)
