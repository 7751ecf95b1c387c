"""What a run changed in its workspace, for the commands that name it."""

from __future__ import annotations

from orket.domain.errors import OrketError
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState
from orket.domain.workspaces import Kind
from orket.interfaces.cli.files import changes_as_files, workspace_files
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.summary import File, Files
from orket.settings import Settings

_FILES_MAX = 1000


async def run_state(reach: Reach, run_id: RunId) -> RunState:
    """Fold a run's events."""
    state = RunState(run_id=run_id)
    while page := await reach.read(run_id, after=state.last_seq, limit=PAGE):
        for recorded in page:
            state.apply_recorded(recorded)
    return state


async def files_of(settings: Settings, state: RunState) -> Files:
    """List what a run with a project has changed, and what lies in the workspace of any other."""
    from orket.bootstrap.workspaces import open_workspaces, workspace_place

    workspace = "" if state.accepted is None else state.accepted.workspace
    if settings.url:
        return await _asked(settings, state, workspace)
    if state.accepted is None or state.accepted.isolation is None:
        return workspace_files(workspace)
    try:
        return changes_as_files(await open_workspaces().changes(workspace_place(settings, state)))
    except OrketError:  # it has not begun, or was discarded
        return workspace_files(workspace)


async def _asked(settings: Settings, state: RunState, workspace: str) -> Files:
    """Have the bridge look; a run that works in a folder of somebody else's has files it does not show."""
    from orket.interfaces.cli.elsewhere import named_bridge

    try:
        async with named_bridge(settings) as client:
            found = await client.workspace_changes(state.run_id)
    except OrketError:
        return Files(workspace=f"{workspace} at {settings.url}", files=())
    shown = tuple(
        File(one.path, one.after.size_bytes or 0)
        for one in found.changes[:_FILES_MAX]
        if one.after is not None and one.after.kind is not Kind.FOLDER
    )
    place = f"a view of {found.project}" if found.project else workspace
    return Files(workspace=f"{place} at {settings.url}", files=shown, more=len(found.changes) > _FILES_MAX)
