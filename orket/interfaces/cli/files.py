"""Looking at what a run left in its workspace."""

from __future__ import annotations

import os
from pathlib import Path

from orket.domain.workspaces import Changes, Kind
from orket.interfaces.cli.summary import File, Files

_FILES_MAX = 1000
_UNINTERESTING = frozenset({"__pycache__", ".git"})


def changes_as_files(found: Changes) -> Files:
    """List the files that a run with a project has added or changed."""
    after = [
        (one.path, one.after) for one in found.changes if one.after and one.after.kind is not Kind.FOLDER
    ]
    shown = tuple(File(path, entry.size_bytes) for path, entry in after[:_FILES_MAX])
    return Files(workspace=f"a view of {found.project}", files=shown, more=len(after) > _FILES_MAX)


def workspace_files(workspace: str) -> Files:
    """List the files of a workspace, sorted by path; links are listed, not followed."""
    found: list[File] = []
    for folder, folders, names in os.walk(workspace):
        folders[:] = sorted(one for one in folders if one not in _UNINTERESTING)
        for name in sorted(names):
            path = Path(folder, name)
            found.append(File(str(path.relative_to(workspace)), path.lstat().st_size))
        if len(found) > _FILES_MAX:
            break
    shown = tuple(sorted(found[:_FILES_MAX], key=lambda one: one.path))
    return Files(workspace=workspace, files=shown, more=len(found) > _FILES_MAX)
