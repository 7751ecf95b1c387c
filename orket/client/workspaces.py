"""The part of the client that is about the workspaces of runs."""

from __future__ import annotations

from orket.client.calls import Calls, path_of, run_path
from orket.wire.changes import ChangesView
from orket.wire.files import FileSaved, FolderView
from orket.wire.runs import RunStanding
from orket.wire.workspaces import ApplyBody, DiscardBody, RollbackBody


class Workspaces(Calls):
    """What runs left in their workspaces, and what becomes of it."""

    async def folder(self, run_id: str, path: str = ".") -> FolderView:
        """List a folder of a run's workspace."""
        return await self._get(path_of("v1", "runs", run_id, "workspace", "files", path=path), FolderView)

    async def file(self, run_id: str, path: str) -> bytes:
        """Fetch a file of a run's workspace, of 4 MiB at most."""
        return await self._bytes(path_of("v1", "runs", run_id, "workspace", "file", path=path))

    async def save_file(
        self, run_id: str, path: str, content: bytes, *, by: str, replaces: str | None = None
    ) -> FileSaved:
        """Save a file in the workspace of a run that is not at work.

        ``replaces`` is the SHA-256 of what it replaces, ``*`` for any file, None for a new one.
        """
        condition = {"if-none-match": "*"} if replaces is None else {"if-match": _tag(replaces)}
        request = self._http.build_request(
            "PUT",
            path_of("v1", "runs", run_id, "workspace", "file", path=path, by=by),
            content=content,
            headers={
                "content-type": "application/octet-stream",
                "request-timeout": f"{self._ask_s:g}",
                **condition,
            },
        )
        return await self._exchange(request, FileSaved)

    async def workspace_changes(self, run_id: str, path: str = ".") -> ChangesView:
        """List what a run changed beneath a path, beside its project as it is now."""
        return await self._get(path_of("v1", "runs", run_id, "workspace", "changes", path=path), ChangesView)

    async def workspace_diff(self, run_id: str, path: str = ".") -> bytes:
        """Fetch what a run changed beneath a path, as a patch."""
        return await self._bytes(path_of("v1", "runs", run_id, "workspace", "diff", path=path))

    async def apply_workspace(self, run_id: str, *, by: str, into: str = "") -> RunStanding:
        """Write what a run changed into its project; ``into`` for a run that works on no view of one."""
        path = f"{run_path(run_id)}/workspace/apply"
        return await self._post(path, ApplyBody(by=by, into=into), RunStanding)

    async def roll_back_workspace(self, run_id: str, *, by: str, to: int | None = None) -> RunStanding:
        """Put the project back: as before the newest application, or before all those after event ``to``."""
        path = f"{run_path(run_id)}/workspace/rollback"
        return await self._post(path, RollbackBody(by=by, to=to), RunStanding)

    async def discard_workspace(self, run_id: str, *, by: str) -> RunStanding:
        """Delete the workspace of a run that has ended."""
        return await self._post(f"{run_path(run_id)}/workspace/discard", DiscardBody(by=by), RunStanding)


def _tag(content: str) -> str:
    return content if content == "*" else f'"{content}"'
