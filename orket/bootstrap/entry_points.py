"""Entry points of installed packages, without importing the library that reads them where there are none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Protocol

_METADATA = (".dist-info", ".egg-info")


class Point(Protocol):
    """An entry point, as ``importlib.metadata`` finds it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def value(self) -> str:
        """Where it leads: ``package.module:object``."""
        ...

    def load(self) -> Any:
        """Import what it leads to.

        Raises:
            ImportError, AttributeError: There is no such module, or nothing of that name in it.
        """
        ...


def installed(group: str) -> tuple[Point, ...]:
    """Find the entry points of a group in all installed packages.

    ``importlib.metadata`` reads the metadata of everything installed, and takes 3 MB and a seventh of what
    the engine takes to be imported. So it is asked only where a package may name the group.
    """
    if not _may_be_named(f"[{group}]"):
        return ()
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


def _may_be_named(heading: str) -> bool:
    """Whether a package names the group, or is where only the library can look, such as an archive."""
    others = any(hasattr(one, "find_distributions") and one is not PathFinder for one in sys.meta_path)
    return others or any(_names(Path(place), heading) for place in sys.path)


def _names(place: Path, heading: str) -> bool:
    if not place.is_dir():
        return place.is_file()
    return any(heading in _read(one / "entry_points.txt") for one in _described(place))


def _described(place: Path) -> Iterator[Path]:
    """Name where the packages in a folder are described."""
    try:
        if place.suffix.lower() == ".egg":
            yield place / "EGG-INFO"
        yield from (one for one in place.iterdir() if one.suffix.lower() in _METADATA)
    except OSError:
        return  # the library passes over folders that cannot be read, too


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
