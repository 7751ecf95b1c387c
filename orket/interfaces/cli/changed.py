"""What a run changed in its workspace, for the commands that name it."""

from __future__ import annotations

from orket.domain.errors import OrketError
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState
from orket.domain.workspaces import Changes
from orket.interfaces.cli.reach import PAGE, Reach
from orket.settings import Settings


async def run_state(reach: Reach, run_id: RunId) -> RunState:
    """Fold a run's events."""
    state = RunState(run_id=run_id)
    while page := await reach.read(run_id, after=state.last_seq, limit=PAGE):
        for recorded in page:
            state.apply_recorded(recorded)
    return state


async def changed_files(settings: Settings, state: RunState) -> Changes | None:
    """List what a run with a project has changed; None: it has none, or nothing can be said."""
    from orket.bootstrap import open_workspaces, workspace_place

    if state.accepted is None or state.accepted.isolation is None:
        return None
    try:
        return await open_workspaces().changes(workspace_place(settings, state))
    except OrketError:  # it has not begun, or was discarded
        return None
