"""The part of the client that is about project sandboxes."""

from __future__ import annotations

from orket.client.calls import Calls, path_of
from orket.wire.projects import (
    CreateProjectBody,
    ExecBody,
    ExecView,
    ProjectLogsView,
    ProjectPage,
    ProjectView,
    RenewBody,
)


class Projects(Calls):
    """Stacks of services that stay up for a project; all but looking needs the scope ``admin``."""

    async def projects(self, *, limit: int = 100, page: str = "") -> ProjectPage:
        """List the project sandboxes; ``page`` is the ``next`` of the page before."""
        return await self._get(page or path_of("v1", "projects", limit=limit), ProjectPage)

    async def create_project(self, body: CreateProjectBody) -> ProjectView:
        """Bring a stack up; answered when it is well, or its time for that is over."""
        return await self._post("/v1/projects", body, ProjectView)

    async def project(self, sandbox_id: str) -> ProjectView:
        """Look at a project sandbox now."""
        return await self._get(path_of("v1", "projects", sandbox_id), ProjectView)

    async def project_logs(
        self, sandbox_id: str, *, service: str = "", lines: int | None = None
    ) -> ProjectLogsView:
        """Read the last lines of one service, or of all."""
        query: dict[str, object] = {"service": service} | ({} if lines is None else {"lines": lines})
        return await self._get(path_of("v1", "projects", sandbox_id, "logs", **query), ProjectLogsView)

    async def exec_in_project(self, sandbox_id: str, body: ExecBody) -> ExecView:
        """Run a command in a service."""
        return await self._post(path_of("v1", "projects", sandbox_id, "exec"), body, ExecView)

    async def renew_project(self, sandbox_id: str, *, lease_s: float | None = None) -> ProjectView:
        """Let its lease begin anew."""
        body = RenewBody(lease_s=lease_s)
        return await self._post(path_of("v1", "projects", sandbox_id, "renew"), body, ProjectView)

    async def stop_project(self, sandbox_id: str) -> ProjectView:
        """Stop its services and keep their data."""
        return await self._post(path_of("v1", "projects", sandbox_id, "stop"), None, ProjectView)

    async def delete_project(self, sandbox_id: str) -> ProjectView:
        """Leave nothing of it."""
        path, headers = path_of("v1", "projects", sandbox_id), {"request-timeout": f"{self._ask_s:g}"}
        return await self._exchange(self._http.build_request("DELETE", path, headers=headers), ProjectView)
