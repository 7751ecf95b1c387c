"""Where a run worked, and where its changes go."""

from __future__ import annotations

from orket.domain.errors import RunConflict
from orket.domain.runs import RunState
from orket.domain.workspaces import Isolation, Place

OWN_DIR = "workspaces"
"""The folder of the engine's data in which workspaces of its own lie."""


def place_of(state: RunState, own_dir: str, into: str = "") -> Place:
    """Say where a run works, and where its changes go.

    Args:
        state: The run.
        own_dir: Where the engine makes workspaces of its own, without links in it.
        into: The folder to compare with, for a run that works on no view of a project.

    Raises:
        RunConflict: It works in a folder that is not its own, or ``into`` was given for a view of a project.
    """
    accepted = state.accepted
    assert accepted is not None
    if accepted.isolation is not None:
        if into and into != accepted.isolation.project:
            raise RunConflict(
                f"the run works on a view of {accepted.isolation.project}, and goes back there only"
            )
        return Place(workspace=accepted.workspace, isolation=accepted.isolation)
    if accepted.workspace.rpartition("/")[0] != own_dir:
        raise RunConflict(
            f"run {state.run_id} works in {accepted.workspace} itself, so there is nothing to compare with; "
            "start a run with --project FOLDER to have its changes kept apart"
        )
    return Place(workspace=accepted.workspace, isolation=Isolation(project=into), is_whole=True)
