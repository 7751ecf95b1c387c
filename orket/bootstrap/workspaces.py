"""Looking at what a run left in its workspace; to change something there is the engine's affair."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

import anyio.to_thread

from orket.decision_nodes.workspace_paths import holds_secrets, normal, path_problem
from orket.domain.errors import RunConflict, ToolError
from orket.domain.places import OWN_DIR, place_of
from orket.domain.ports import Workspaces
from orket.domain.redaction import Redactor
from orket.domain.runs import RunState
from orket.domain.workspaces import Place, WorkspaceLevel
from orket.infrastructure.sandboxes.overlay_view import Layers, list_through, read_through
from orket.infrastructure.workspaces.port import FileWorkspaces
from orket.infrastructure.workspaces.state import load_base, state_of
from orket.settings import Settings

T = TypeVar("T")
_NOTHING = "the run has no workspace: it has not opened it yet, or it was discarded"


def open_workspaces() -> Workspaces:
    """Open the workspaces of this machine."""
    return FileWorkspaces()


def workspace_place(settings: Settings, state: RunState, into: str = "") -> Place:
    """Say where a run works, and what that is compared with.

    Raises:
        RunConflict: It works in a folder that is not its own.
    """
    return place_of(state, os.path.realpath(settings.data_dir / OWN_DIR), into)


async def list_workspace(settings: Settings, state: RunState, path: str) -> tuple[str, ...]:
    """List a folder of a run's workspace, sorted; folders end in ``/``, what is protected is left out.

    Raises:
        RunConflict: The run has no workspace of its own here.
        ToolError: The path is not one inside the workspace, or no folder.
    """
    found = await _inside(settings, state, path, list_through)
    prefix = "" if normal(path) == "." else f"{normal(path)}/"
    return tuple(one for one in found if not _objection(f"{prefix}{one}"))


async def read_workspace(
    settings: Settings, state: RunState, path: str, *, bytes_max: int
) -> tuple[bytes, str]:
    """Read a regular file of a run's workspace, as the run sees it; no link is followed on the way.

    Returns:
        The content without secrets, and the SHA-256 of what it is with them.

    Raises:
        RunConflict: As for ``list_workspace``.
        ToolError: The path is not one inside the workspace, is protected, or no file of that size at most.
    """
    content = await _inside(settings, state, path, lambda layers, one: read_through(layers, one, bytes_max))
    return Redactor(settings.secrets).blob(content), hashlib.sha256(content).hexdigest()


async def _inside(settings: Settings, state: RunState, path: str, act: Callable[[Layers, str], T]) -> T:
    if objection := _objection(path):
        raise ToolError(objection, code="denied")
    place = workspace_place(settings, state)
    return await anyio.to_thread.run_sync(partial(_from_root, place, path, act))


def _objection(path: str) -> str:
    if problem := path_problem(path):
        return problem
    kept = holds_secrets(path)
    return f"keys or passwords may be kept in {kept!r}" if kept else ""


def _from_root(place: Place, path: str, act: Callable[[Layers, str], T]) -> T:
    with ExitStack() as opened:
        layers = []
        for folder in _layers(place):
            try:
                layers.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC))
            except OSError:
                raise RunConflict(_NOTHING) from None
            opened.callback(os.close, layers[-1])
        return act(layers, path)


def _layers(place: Place) -> tuple[str, ...]:
    if place.is_whole:
        return (place.workspace,)
    state = state_of(place.workspace)
    if (base := load_base(state)) is None:
        raise RunConflict(_NOTHING)
    if base.level == WorkspaceLevel.OVERLAY:
        return (f"{state}/upper", base.isolation.project)
    return (place.workspace,)
