"""The keeper of project sandboxes: admits, leases, watches, and puts in order what an engine left."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import anyio
import attrs

from actors import Actor, Message, Reply, on
from orket.domain.errors import (
    OrketError,
    SandboxConflict,
    SandboxError,
    SandboxNotFound,
    SettingsError,
    StackUnsupported,
)
from orket.domain.projects import (
    KIND_LABEL,
    OWNER_LABEL,
    PROJECT_KIND,
    SANDBOX_LABEL,
    ProjectPlan,
    ProjectSandboxChanged,
    ProjectStanding,
    Stack,
)
from orket.domain.sandboxes import CommandResult, SandboxStatus
from orket.services.project import Project, ProjectRoom
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
from orket.services.project_record import recorded_projects

R = TypeVar("R")

PROJECTS_MAX = 16
NAME_CHARS_MAX = 64
LOG_LINES_MAX = 10_000
LEASE_S_MIN, LEASE_S_MAX = 60.0, 31 * 86_400.0
LOOK_S = 15.0
ENTROPY_BYTES = 32
_WATCH = "watch"


@attrs.frozen
class _Look(Message):
    """It is time to look at all of them."""


@attrs.frozen
class _Done(Message):
    """A piece of work beside the handlers is over."""


class ProjectSandboxes(
    Actor[
        CreateProject
        | ListProjects
        | LookAtProject
        | ProjectLogs
        | RunInProject
        | RenewProject
        | StopProject
        | DeleteProject
        | _Look
        | _Done
    ],
    restart="permanent",
    shutdown=30.0,
):
    """Keeps the project sandboxes of a database; their services outlive it, and are taken up again.

    Args:
        room: What project sandboxes need at hand.
    """

    def __init__(self, room: ProjectRoom) -> None:
        self._room = room
        self._projects: dict[str, Project] = {}
        self._in_order = anyio.Event()
        self._to_adopt: list[tuple[str, Project]] = []
        self._ordered = self._watching = False

    async def on_start(self) -> None:
        """Take up what is recorded, and put it in order beside the handlers."""
        recorded = await recorded_projects(self._room.ledger)
        self._projects = {name: Project(self._room, one) for name, one in recorded.items()}
        self._to_adopt = list(self._projects.items())
        self.ctx.pipe(self._put_in_order, lambda done: done)
        self._watch()

    @on(CreateProject)
    async def create(self, m: CreateProject) -> Reply[ProjectStanding]:
        """Refuse what cannot be, record the rest, and bring it up beside the handlers."""
        return self._beside(lambda: self._create(m), self.ctx.defer(m))

    @on(ListProjects)
    async def list_projects(self, m: ListProjects) -> tuple[ProjectStanding, ...]:
        """List those that are not deleted."""
        return tuple(one.standing() for one in self._projects.values())

    @on(LookAtProject)
    async def look_at(self, m: LookAtProject) -> Reply[ProjectStanding]:
        """Look now."""
        return self._about(m.sandbox_id, lambda project: project.look(), self.ctx.defer(m))

    @on(RenewProject)
    async def renew(self, m: RenewProject) -> Reply[ProjectStanding]:
        """Let the lease begin anew."""
        return self._about(
            m.sandbox_id, lambda project: project.renew(self._lease_s(m.lease_s)), self.ctx.defer(m)
        )

    @on(StopProject)
    async def stop(self, m: StopProject) -> Reply[ProjectStanding]:
        """Stop its services."""
        return self._about(m.sandbox_id, lambda project: project.stop("asked for"), self.ctx.defer(m))

    @on(DeleteProject)
    async def delete(self, m: DeleteProject) -> Reply[ProjectStanding]:
        """Leave nothing of it."""

        async def act(project: Project) -> None:
            await project.delete("asked for")
            self._forget(m.sandbox_id, project)

        return self._about(m.sandbox_id, act, self.ctx.defer(m))

    @on(ProjectLogs)
    async def logs(self, m: ProjectLogs) -> Reply[str]:
        """Read the last lines."""

        async def act() -> str:
            self._known(m.sandbox_id)
            limits = self._room.policy.project_limits(self._room.organization)
            lines = limits.log_lines if m.lines is None else m.lines
            if not 1 <= lines <= LOG_LINES_MAX:
                raise SettingsError(f"lines {lines}: must be from 1 to {LOG_LINES_MAX}")
            return await self._room.driver.logs(m.sandbox_id, service=m.service, lines=lines)

        return self._beside(act, self.ctx.defer(m))

    @on(RunInProject)
    async def run(self, m: RunInProject) -> Reply[CommandResult]:
        """Run a command in a service."""

        async def act() -> CommandResult:
            self._known(m.sandbox_id)
            return await self._room.driver.run(m.sandbox_id, service=m.service, command=m.command)

        return self._beside(act, self.ctx.defer(m))

    @on(_Look)
    async def _look(self, m: _Look) -> None:
        """Look at all that are idle, beside the handlers."""

        async def act() -> _Done:
            if not self._in_order.is_set():
                return _Done()
            if not self._ordered:
                await self._put_in_order()
            else:
                for one in tuple(self._projects.values()):
                    await self._tried(one.look)
            return _Done()

        self.ctx.pipe(act, lambda done: done)

    @on(_Done)
    async def _done(self, m: _Done) -> None:
        """Nothing is left to do."""

    async def _create(self, m: CreateProject) -> ProjectStanding:
        await self._in_order.wait()
        plan, lease_s = self._plan(m), self._lease_s(m.lease_s)
        await self._room.driver.check(plan)
        self._refuse_second(plan.sandbox_id)
        project = Project(self._room, self._first(m, plan, lease_s))
        self._projects[plan.sandbox_id] = project
        self._watch()
        await project.create(plan)
        return project.standing()

    def _plan(self, m: CreateProject) -> ProjectPlan:
        if not m.name.strip() or len(m.name) > NAME_CHARS_MAX:
            raise SettingsError(f"name {m.name!r}: must have from 1 to {NAME_CHARS_MAX} characters")
        if not m.workspace.startswith("/"):
            raise SettingsError(f"workspace {m.workspace!r}: must be an absolute path")
        policy, organization = self._room.policy, self._room.organization
        if (stack := policy.choose_stack(m.stack, organization)) is None:
            wanted = m.stack or organization.rule("sandbox_stack") or ""
            raise StackUnsupported(wanted, [one.name for one in policy.stacks()])
        sandbox_id = policy.sandbox_id(m.name)
        self._refuse_second(sandbox_id)
        labels = {OWNER_LABEL: self._room.driver.owner, KIND_LABEL: PROJECT_KIND, SANDBOX_LABEL: sandbox_id}
        return ProjectPlan(
            sandbox_id=sandbox_id,
            project=policy.project_name(sandbox_id),
            stack=stack.name,
            workspace=m.workspace,
            document=json.dumps(policy.compose(stack, sandbox_id, labels), indent=1) + "\n",
            builds=_builds(stack),
            credentials=policy.credentials(stack, secrets.token_bytes(ENTROPY_BYTES)),
            limits=policy.project_limits(organization),
        )

    def _refuse_second(self, sandbox_id: str) -> None:
        if (known := self._projects.get(sandbox_id)) is not None:
            raise SandboxConflict(f"{sandbox_id} is there already ({known.status}); delete it first")
        if len(self._projects) >= PROJECTS_MAX:
            raise SandboxConflict(f"{PROJECTS_MAX} project sandboxes are there already; delete one first")

    def _first(self, m: CreateProject, plan: ProjectPlan, lease_s: float) -> ProjectSandboxChanged:
        return ProjectSandboxChanged(
            sandbox_id=plan.sandbox_id,
            name=m.name,
            project=plan.project,
            stack=plan.stack,
            workspace=plan.workspace,
            status=SandboxStatus.CREATING,
            lease_until=self._room.clock.now() + timedelta(seconds=lease_s),
        )

    def _lease_s(self, wanted: float | None) -> float:
        limits = self._room.policy.project_limits(self._room.organization)
        lease_s = limits.lease_s if wanted is None else wanted
        if not LEASE_S_MIN <= lease_s <= LEASE_S_MAX:
            raise SettingsError(f"lease_s {lease_s:g}: must be from {LEASE_S_MIN:g} to {LEASE_S_MAX:g}")
        return lease_s

    def _known(self, sandbox_id: str) -> Project:
        if (project := self._projects.get(sandbox_id)) is None:
            raise SandboxNotFound(f"there is no project sandbox {sandbox_id!r}")
        return project

    def _forget(self, sandbox_id: str, project: Project) -> None:
        if self._projects.get(sandbox_id) is project and project.status is SandboxStatus.DELETED:
            del self._projects[sandbox_id]
            self._watch()

    def _watch(self) -> None:
        """Look at them every now and then, as long as there are any."""
        if self._projects and not self._watching:
            self.ctx.every(LOOK_S, _Look(), key=_WATCH)
        elif not self._projects:
            self.ctx.cancel_timer(_WATCH)
        self._watching = bool(self._projects)

    async def _put_in_order(self) -> _Done:
        """Adopt what is recorded, remove what is there and not recorded, and the containers of commands.

        A container engine that cannot be asked now is asked again at each look.
        """
        try:
            left = await self._room.driver.left()
            await self._room.driver.clear_commands()
            for stray in left - self._projects.keys():
                await self._room.driver.remove(stray)
            while self._to_adopt:
                name, one = self._to_adopt[-1]
                await one.adopt(left)
                self._forget(name, one)
                self._to_adopt.pop()
            self._ordered = True
        except SandboxError:
            self._ordered = not self._projects
        finally:
            self._in_order.set()
        return _Done()

    async def _tried(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do what nobody waits for; a container engine that is away is away for all of them."""
        try:
            await act()
        except SandboxError:
            return

    def _about(
        self, sandbox_id: str, act: Callable[[Project], Awaitable[None]], to: Reply[ProjectStanding]
    ) -> Reply[ProjectStanding]:
        async def standing() -> ProjectStanding:
            project = self._known(sandbox_id)
            await self._in_order.wait()
            await act(project)
            return project.standing()

        return self._beside(standing, to)

    def _beside(self, act: Callable[[], Awaitable[R]], to: Reply[R]) -> Reply[R]:
        async def answer() -> _Done:
            try:
                to.reply(await act())
            except OrketError as error:
                to.fail(ProjectRefused(error))
            return _Done()

        self.ctx.pipe(answer, lambda done: done)
        return to


def _builds(stack: Stack) -> tuple[str, ...]:
    return tuple(one.build for one in stack.services if one.build)
