"""Where assets lie: beside the file the user named, then where the loader node says."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import attrs

from orket.infrastructure.assets.documents import Document, read_document
from orket.infrastructure.assets.looks import is_file, look_at

CATEGORIES = ("epics", "rocks", "issues")
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f.][^/\\\x00-\x1f\x7f]{0,127}")
_CARD_ID = re.compile(r"\w[\w.:@+-]{0,127}")


class LoaderNode(Protocol):
    """What is needed of ``loader_strategy_node``."""

    def candidates(self, category: str, name: str, department: str) -> tuple[str, ...]:
        """List paths relative to the project directory, ``model/…`` standing for the model directory."""
        ...


def check_name(document: Document, pointer: str, name: str) -> str:
    """Check the name of another asset, which becomes part of a path.

    Raises:
        AssetError: It could lead out of its folder.
    """
    if _NAME.fullmatch(name) is None:
        reason = (
            f"{name[:64]!r} is no name of an asset: it has 1 to 128 characters, no '/', no '\\', no first '.'"
        )
        raise document.error(pointer, reason)
    return name


def check_id(document: Document, pointer: str, card: str) -> str:
    """Check a card's id, which becomes part of call ids and addresses.

    Raises:
        AssetError: It holds a character that an id must not have.
    """
    if _CARD_ID.fullmatch(card) is None:
        rule = "1 to 128 letters, digits and . _ : @ + -, beginning with a letter or digit"
        raise document.error(pointer, f"{card[:64]!r} is no card id: {rule}")
    return card


@attrs.frozen(kw_only=True)
class Places:
    """An ordered search over directories.

    ``homes`` come first; ``own_department`` is the department they belong to when one is named like it.
    """

    cwd: Path
    model_dir: Path
    node: LoaderNode
    homes: tuple[Path, ...] = ()
    own_department: str = "core"

    def shown(self, path: Path) -> str:
        """Name a file as a person in the current directory would."""
        try:
            return path.relative_to(self.cwd).as_posix()
        except ValueError:
            return path.as_posix()

    def candidates(self, category: str, name: str, department: str) -> tuple[Path, ...]:
        """List the files an asset may be, best first."""
        beside = (home / category / f"{name}.json" for home in self._homes(department))
        told = (self._rooted(one) for one in self.node.candidates(category, name, department))
        return tuple(dict.fromkeys((*beside, *told)))

    def find(self, category: str, name: str, department: str) -> Path | None:
        """Find the first candidate that exists."""
        return next(filter(is_file, self.candidates(category, name, department)), None)

    def files(self, category: str, department: str) -> dict[str, Path]:
        """Map the names of all assets of a category to their files, sorted by name."""
        found: dict[str, Path] = {}
        for pattern in self.candidates(category, "*", department):
            look_at(pattern.parent)
            if pattern.name == "*.json" and os.path.isdir(pattern.parent):
                for path in pattern.parent.glob("*.json"):
                    found.setdefault(path.stem, path)
        return dict(sorted(found.items()))

    def organization_files(self) -> Iterator[tuple[Path, ...]]:
        """List the files that may tell the organization, best first; two together are merged."""
        project = self.model_dir.parent
        for folder in (*self.homes, project / "config"):
            yield (folder / "org_info.json", folder / "architecture.json")
            yield (folder / "organization.json",)
        yield (self.model_dir / "organization.json",)

    def require(self, asked: Document, pointer: str, category: str, name: str, department: str) -> Document:
        """Read the asset that ``asked`` names at ``pointer``.

        Raises:
            AssetError: No such file (naming those that exist), or it cannot be read.
        """
        check_name(asked, pointer, name)
        path = self.find(category, name, department)
        if path is None:
            raise asked.error(pointer, self.missing(category, name, department))
        return self.read(category, path)

    def read(self, category: str, path: Path) -> Document:
        """Read an asset of a category.

        Raises:
            AssetError: It cannot be read.
        """
        return read_document(path, self.shown(path), raw_newlines=category == "dialects")

    def missing(self, category: str, name: str, department: str) -> str:
        """Say what was looked for, where, and what there is instead."""
        looked = ", ".join(self.shown(one) for one in self.candidates(category, name, department))
        there = ", ".join(self.files(category, department)) or "none"
        return f"no {category.rstrip('s')} named {name!r}: looked for {looked}; there are: {there}"

    def _homes(self, department: str) -> tuple[Path, ...]:
        # A home named like its own department is one of several department folders side by side.
        found: list[Path] = []
        for home in self.homes:
            if home.name == self.own_department != department:
                found.append(home.parent / department)
            found.append(home)
        return tuple(found)

    def _rooted(self, told: str) -> Path:
        path = Path(told)
        if path.parts[:1] == ("model",):
            return self.model_dir.joinpath(*path.parts[1:])
        return self.model_dir.parent / path


def home_of(path: Path) -> Path:
    """The directory whose ``epics``, ``rocks`` or ``issues`` folder a file lies in, or its own."""
    return path.parent.parent if path.parent.name in CATEGORIES else path.parent
