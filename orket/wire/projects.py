"""Project sandboxes on the wire: everything about them but what is secret."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.projects import ProjectStanding, ServiceState, urls
from orket.domain.sandboxes import CommandEnd, CommandResult, SandboxStatus

Id = Annotated[str, Meta(examples=["sandbox-my-rock-8a6774df"])]
Lease = Annotated[
    Annotated[float, Meta(ge=60, le=2_678_400)] | None,
    Meta(description="How long it stays up, in seconds; the house's if left out."),
]


class CreateProjectBody(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Bring a stack of services up for a project."""

    name: Annotated[str, Meta(min_length=1, max_length=64, examples=["my-rock"])]
    workspace: Annotated[
        str, Meta(description="The project's directory, an absolute path.", pattern="^/", max_length=4096)
    ]
    stack: Annotated[str, Meta(max_length=100, description="Its template; the house's if left out.")] = ""
    lease_s: Lease = None


class RenewBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Let the lease begin anew."""

    lease_s: Lease = None


class ExecBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Run a command in a service."""

    service: Annotated[str, Meta(min_length=1, max_length=100, examples=["api"])]
    argv: Annotated[
        tuple[Annotated[str, Meta(max_length=100_000)], ...],
        Meta(min_length=1, max_length=1000, examples=[["python", "manage.py", "migrate"]]),
    ]
    wall_s: Annotated[float, Meta(gt=0, le=3600, description="How long it may take, in seconds.")] = 60.0
    output_bytes: Annotated[int, Meta(ge=1, le=1_048_576, description="How much of each stream is kept.")] = (
        65_536
    )


class ExecView(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended, and what it said, without secrets."""

    end: CommandEnd
    exit_code: int
    stdout: str
    stderr: str
    duration_ms: Annotated[int, Meta(ge=0)]
    truncated: bool


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it was found."""

    name: str
    state: Annotated[str, Meta(description="What the container engine says.", examples=["running"])]
    answers: Annotated[bool | None, Meta(description="Whether it answers; null when it was not asked.")]
    addresses: Annotated[tuple[str, ...], Meta(description="Where.", examples=[["127.0.0.1:32768"]])]


class ProjectView(msgspec.Struct, frozen=True, kw_only=True):
    """A project sandbox as it stands."""

    id: Id
    name: str
    project: Annotated[str, Meta(description="Its name at the compose program.")]
    stack: str
    workspace: str
    status: SandboxStatus
    reason: str
    lease_until: datetime
    services: tuple[ServiceView, ...]


class ProjectPage(msgspec.Struct, frozen=True, kw_only=True):
    """Project sandboxes that are not deleted; ``next`` leads on, empty at the end."""

    projects: tuple[ProjectView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


class ProjectLogsView(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines of its services, without secrets."""

    text: str


def project_view(standing: ProjectStanding) -> ProjectView:
    """Show a project sandbox."""
    return ProjectView(
        id=standing.sandbox_id,
        name=standing.name,
        project=standing.project,
        stack=standing.stack,
        workspace=standing.workspace,
        status=standing.status,
        reason=standing.reason,
        lease_until=standing.lease_until,
        services=tuple(map(_service, standing.services)),
    )


def _service(one: ServiceState) -> ServiceView:
    where = tuple(address for _, address in urls([one]))
    return ServiceView(name=one.service, state=one.state, answers=one.answers, addresses=where)


def exec_view(told: CommandResult) -> ExecView:
    """Show how a command ended."""
    return ExecView(
        end=told.end,
        exit_code=told.exit_code,
        stdout=told.stdout.decode("utf-8", "replace"),
        stderr=told.stderr.decode("utf-8", "replace"),
        duration_ms=told.duration_ms,
        truncated=told.truncated,
    )
