"""What can be asked about project sandboxes: stacks of services that stay up until their lease ends."""

from __future__ import annotations

import attrs

from actors import Reject, Request
from orket.domain.errors import OrketError
from orket.domain.projects import ProjectStanding
from orket.domain.sandboxes import Command, CommandResult


class ProjectRefused(Reject):
    """It cannot be carried out; ``error`` is the domain's own error."""

    def __init__(self, error: OrketError) -> None:
        super().__init__(error.detail)
        self.error = error


@attrs.frozen(kw_only=True)
class CreateProject(Request[ProjectStanding]):
    """Bring a stack up over a project's directory; answered when it is well, or its time for that is over.

    ``name`` is the project's, by which it cannot be created twice. ``workspace`` is an absolute path. An
    empty ``stack`` lets the house choose; ``lease_s`` is its lease, the house's if it is None.
    """

    name: str
    workspace: str
    stack: str = ""
    lease_s: float | None = None


@attrs.frozen(kw_only=True)
class ListProjects(Request[tuple[ProjectStanding, ...]]):
    """List those that are not deleted, as they were found at the last look."""


@attrs.frozen(kw_only=True)
class LookAtProject(Request[ProjectStanding]):
    """Look now, and say how it stands."""

    sandbox_id: str


@attrs.frozen(kw_only=True)
class ProjectLogs(Request[str]):
    """Read the last ``lines`` (the house's number if None) of one service, or of all; without secrets."""

    sandbox_id: str
    service: str = ""
    lines: int | None = None


@attrs.frozen(kw_only=True)
class RunInProject(Request[CommandResult]):
    """Run a command in a service; of its limits the time and the output count."""

    sandbox_id: str
    service: str
    command: Command


@attrs.frozen(kw_only=True)
class RenewProject(Request[ProjectStanding]):
    """Let its lease begin anew, ``lease_s`` long or as long as the house says."""

    sandbox_id: str
    lease_s: float | None = None


@attrs.frozen(kw_only=True)
class StopProject(Request[ProjectStanding]):
    """Stop its services and keep their data; one that is being created is given up."""

    sandbox_id: str


@attrs.frozen(kw_only=True)
class DeleteProject(Request[ProjectStanding]):
    """Leave nothing of it: containers, networks, volumes, built images."""

    sandbox_id: str


ProjectRequest = (
    CreateProject
    | ListProjects
    | LookAtProject
    | ProjectLogs
    | RunInProject
    | RenewProject
    | StopProject
    | DeleteProject
)
"""All that may be sent to the keeper of project sandboxes."""
