"""A model directory to write files into, with everything an epic needs already there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orket.decision_nodes.loader_strategy import DefaultLoaderStrategy
from orket.domain.assets import Workload
from orket.domain.identifiers import CardId
from orket.infrastructure.assets.workloads import FileWorkloads

JSON = dict[str, Any]

TEAM: JSON = {
    "name": "pair",
    "seats": {
        "builder": {"name": "Builder", "roles": ["builder_role"]},
        "guard": {"name": "Guard", "roles": ["integrity_guard"]},
    },
}
ROLE: JSON = {"name": "builder_role", "tools": ["read_file"]}
GUARD: JSON = {"name": "integrity_guard", "tools": ["read_file"]}
ENVIRONMENT: JSON = {"name": "local", "model": "small-coder:3b"}


def issue(key: str, *needs: str, **more: Any) -> JSON:
    """One issue of the seat ``builder``."""
    return {"id": key, "summary": f"Write {key}", "seat": "builder", "depends_on": list(needs), **more}


def epic(*issues: Any, **more: Any) -> JSON:
    """An epic over the files of a ``Shelf``."""
    return {
        "id": "EPIC",
        "name": "An epic",
        "team": "pair",
        "environment": "local",
        "issues": [*issues],
        **more,
    }


class Shelf:
    """The model directory ``root/model/core`` and a loader that starts at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "model" / "core"
        self.write("teams/pair.json", TEAM)
        self.write("roles/builder_role.json", ROLE)
        self.write("roles/integrity_guard.json", GUARD)
        self.write("environments/local.json", ENVIRONMENT)

    def write(self, path: str, value: Any, *, below: Path | None = None) -> Path:
        """Write a file: JSON, or text or bytes as they are."""
        file = (below or self.home) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, bytes):
            file.write_bytes(value)
        else:
            file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return file

    def source(self, **environ: str) -> FileWorkloads:
        """Make the loader."""
        return FileWorkloads(Path("model"), DefaultLoaderStrategy(), self.root, environ)

    async def load(self, target: Path | str, *, only: str | None = None) -> Workload:
        """Load a target."""
        return await self.source().load(str(target), only=None if only is None else CardId(only))

    async def load_epic(self, *issues: Any, **more: Any) -> Workload:
        """Write an epic and load it by its path."""
        return await self.load(self.write("epics/work.json", epic(*issues, **more)))
