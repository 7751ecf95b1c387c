"""Reaching what keeps project sandboxes: the engine of another process over its socket, or our own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar, cast

import attrs

from actors import Ref, Request
from orket.client import OrketClient
from orket.domain.projects import ProjectStanding
from orket.domain.sandboxes import Command, Limits
from orket.interfaces.cli.remote import refusals
from orket.services.project_messages import (
    CreateProject,
    DeleteProject,
    ListProjects,
    LookAtProject,
    ProjectLogs,
    ProjectRefused,
    RenewProject,
    RunInProject,
    StopProject,
)
from orket.settings import Settings
from orket.wire.projects import (
    CreateProjectBody,
    ExecBody,
    ExecView,
    ProjectView,
    exec_view,
    project_view,
)

R = TypeVar("R")

# Building images takes its time; the house's own deadlines end it before.
ASK_S = 600.0


class Keeper(Protocol):
    """What the commands ask, whoever answers; each raises an ``OrketError`` when it is refused."""

    async def all(self) -> tuple[ProjectView, ...]:
        """List those that are not deleted."""
        ...

    async def create(self, body: CreateProjectBody) -> ProjectView:
        """Bring one up."""
        ...

    async def look(self, sandbox_id: str) -> ProjectView:
        """Look at one now."""
        ...

    async def logs(self, sandbox_id: str, service: str, lines: int | None) -> str:
        """Read the last lines."""
        ...

    async def run(self, sandbox_id: str, body: ExecBody) -> ExecView:
        """Run a command in a service."""
        ...

    async def renew(self, sandbox_id: str, lease_s: float | None) -> ProjectView:
        """Let its lease begin anew."""
        ...

    async def stop(self, sandbox_id: str) -> ProjectView:
        """Stop its services."""
        ...

    async def delete(self, sandbox_id: str) -> ProjectView:
        """Leave nothing of it."""
        ...


@attrs.frozen
class OwnKeeper:
    """The keeper of this process."""

    ref: Ref[Any]

    async def all(self) -> tuple[ProjectView, ...]:
        """List those that are not deleted."""
        return tuple(map(project_view, await self._ask(ListProjects())))

    async def create(self, body: CreateProjectBody) -> ProjectView:
        """Bring one up."""
        return await self._stands(
            CreateProject(name=body.name, workspace=body.workspace, stack=body.stack, lease_s=body.lease_s)
        )

    async def look(self, sandbox_id: str) -> ProjectView:
        """Look at one now."""
        return await self._stands(LookAtProject(sandbox_id=sandbox_id))

    async def logs(self, sandbox_id: str, service: str, lines: int | None) -> str:
        """Read the last lines."""
        return await self._ask(ProjectLogs(sandbox_id=sandbox_id, service=service, lines=lines))

    async def run(self, sandbox_id: str, body: ExecBody) -> ExecView:
        """Run a command in a service."""
        limits = Limits(wall_s=body.wall_s, output_bytes=body.output_bytes)
        command = Command(argv=body.argv, limits=limits)
        return exec_view(
            await self._ask(RunInProject(sandbox_id=sandbox_id, service=body.service, command=command))
        )

    async def renew(self, sandbox_id: str, lease_s: float | None) -> ProjectView:
        """Let its lease begin anew."""
        return await self._stands(RenewProject(sandbox_id=sandbox_id, lease_s=lease_s))

    async def stop(self, sandbox_id: str) -> ProjectView:
        """Stop its services."""
        return await self._stands(StopProject(sandbox_id=sandbox_id))

    async def delete(self, sandbox_id: str) -> ProjectView:
        """Leave nothing of it."""
        return await self._stands(DeleteProject(sandbox_id=sandbox_id))

    async def _stands(self, message: Request[ProjectStanding]) -> ProjectView:
        return project_view(await self._ask(message))

    async def _ask(self, message: Request[R]) -> R:
        try:
            return cast("R", await self.ref.ask(message, timeout=ASK_S))
        except ProjectRefused as refusal:
            raise refusal.error from None


@attrs.frozen
class FarKeeper:
    """The keeper of another process."""

    client: OrketClient

    async def all(self) -> tuple[ProjectView, ...]:
        """List those that are not deleted."""
        with refusals():
            return (await self.client.projects()).projects

    async def create(self, body: CreateProjectBody) -> ProjectView:
        """Bring one up."""
        with refusals():
            return await self.client.create_project(body)

    async def look(self, sandbox_id: str) -> ProjectView:
        """Look at one now."""
        with refusals():
            return await self.client.project(sandbox_id)

    async def logs(self, sandbox_id: str, service: str, lines: int | None) -> str:
        """Read the last lines."""
        with refusals():
            return (await self.client.project_logs(sandbox_id, service=service, lines=lines)).text

    async def run(self, sandbox_id: str, body: ExecBody) -> ExecView:
        """Run a command in a service."""
        with refusals():
            return await self.client.exec_in_project(sandbox_id, body)

    async def renew(self, sandbox_id: str, lease_s: float | None) -> ProjectView:
        """Let its lease begin anew."""
        with refusals():
            return await self.client.renew_project(sandbox_id, lease_s=lease_s)

    async def stop(self, sandbox_id: str) -> ProjectView:
        """Stop its services."""
        with refusals():
            return await self.client.stop_project(sandbox_id)

    async def delete(self, sandbox_id: str) -> ProjectView:
        """Leave nothing of it."""
        with refusals():
            return await self.client.delete_project(sandbox_id)


@asynccontextmanager
async def reach_keeper(settings: Settings) -> AsyncGenerator[Keeper]:
    """Reach the keeper of the bridge that is named, or of the engine that runs, or be one without runs.

    Raises:
        StoreLocked: Another engine holds the database and does not answer (yet).
    """
    from orket.bootstrap import open_orket, running_engine

    if settings.url:
        async with OrketClient.connect(url=settings.url, key=settings.key, ask_s=ASK_S) as client:
            yield FarKeeper(client)
        return
    if (socket := running_engine(settings)) is not None:
        async with OrketClient.connect(socket=socket, ask_s=ASK_S) as client:
            yield FarKeeper(client)
        return
    async with open_orket(attrs.evolve(settings, take_up=False)) as orket:
        yield OwnKeeper(orket.projects)
