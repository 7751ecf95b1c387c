"""Asset files, from epic to organization: where they lie, what shape they have, what they mean."""

from __future__ import annotations

from pathlib import Path

DEMO_EPIC = "epics/demo.json"


def demo_dir() -> Path:
    """Where the demo's model directory lies; its epic is ``demo_dir() / DEMO_EPIC``.

    The package is installed as plain files, never run from an archive: paths into it are told to a person.
    """
    return Path(__file__).with_name("demo")
