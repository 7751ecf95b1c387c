"""An isolated workspace made ready: an overlay where one can be had, else a copy; once, and then kept."""

from __future__ import annotations

import os
import shutil

from orket.domain.errors import SandboxUnavailable
from orket.domain.workspaces import Isolation, WorkspaceLevel
from orket.infrastructure.workspaces.copying import copy_project
from orket.infrastructure.workspaces.state import (
    Base,
    load_base,
    look_at_project,
    make_layers,
    state_of,
    store_base,
)


def begin(workspace: str, isolation: Isolation) -> Base:
    """Look at the project, or at what is known of it since the run began. Blocks.

    Raises:
        SandboxUnavailable: The project cannot be read, or the workspace is not empty and not of this run.
    """
    state = state_of(workspace)
    if (known := load_base(state)) is not None:
        return known
    os.makedirs(workspace, exist_ok=True)
    if os.listdir(workspace) and not os.path.isdir(state):
        raise SandboxUnavailable(
            f"workspace {workspace!r} is not empty", remedy="name an empty folder, or none"
        )
    os.makedirs(state, exist_ok=True)
    return look_at_project(isolation)


def lay_out(workspace: str, base: Base) -> bool:
    """Make the layers of an overlay, if it is to be one; False: it cannot be one. Blocks."""
    if base.level not in ("", WorkspaceLevel.OVERLAY):
        return False
    try:
        make_layers(state_of(workspace), base.isolation)
    except OSError:
        return False
    return True


def settle(workspace: str, base: Base, *, overlaid: bool, why: str = "") -> None:
    """Note that the workspace is an overlay, or make it a copy. Blocks.

    Raises:
        SandboxUnavailable: It was an overlay and cannot be one now (``why``), or it cannot be copied.
    """
    if base.level:
        if base.level == WorkspaceLevel.OVERLAY and not overlaid:
            raise SandboxUnavailable(
                f"workspace {workspace!r} is an overlay, which cannot be mounted now ({why})",
                remedy="go on where it could be, or begin anew",
            )
        return
    if overlaid:
        base.level = WorkspaceLevel.OVERLAY
    else:
        _empty(workspace)
        for name in ("upper", "work", "lower", "layers"):
            shutil.rmtree(f"{state_of(workspace)}/{name}", ignore_errors=True)
        copy_project(base, workspace)
    store_base(state_of(workspace), base)


def _empty(workspace: str) -> None:
    """Take away what a copy that was cut off has left."""
    with os.scandir(workspace) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
