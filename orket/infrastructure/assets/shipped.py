"""The assets that come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

DEMO_EPIC = "epics/kitchen.json"


def demo_dir() -> Path:
    """Where the demo's model directory lies; its epic is ``demo_dir() / DEMO_EPIC``.

    The package is installed as plain files, never run from an archive: commands in sandboxes need them too.
    """
    return Path(str(files(__package__) / "demo"))
