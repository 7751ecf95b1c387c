"""Looking at what a run left in its workspace; to change something there is the engine's affair."""

from __future__ import annotations

import os

from orket.domain.places import OWN_DIR, place_of
from orket.domain.ports import Workspaces
from orket.domain.runs import RunState
from orket.domain.workspaces import Place
from orket.infrastructure.workspaces.files import FileWorkspaces
from orket.settings import Settings


def open_workspaces() -> Workspaces:
    """Open the workspaces of this machine."""
    return FileWorkspaces()


def workspace_place(settings: Settings, state: RunState, into: str = "") -> Place:
    """Say where a run works, and what that is compared with.

    Raises:
        RunConflict: It works in a folder that is not its own.
    """
    return place_of(state, os.path.realpath(settings.data_dir / OWN_DIR), into)
