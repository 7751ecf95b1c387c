"""Project sandboxes: a stack of services that stays up for a project, until its lease ends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from orket.domain.sandboxes import SandboxStatus

#: The labels by which everything of ours is found again at the container engine.
SANDBOX_LABEL, OWNER_LABEL, KIND_LABEL, PROBE_LABEL = (
    "orket.sandbox",
    "orket.owner",
    "orket.kind",
    "orket.probe",
)
PROJECT_KIND, COMMAND_KIND = "project", "command"
#: A project sandbox in one of these has services that can be asked.
UP = (SandboxStatus.RUNNING, SandboxStatus.UNHEALTHY)


@attrs.frozen(kw_only=True)
class Service:
    """One service of a stack.

    Either ``image`` is used, or ``build`` names a folder of the project that has a Dockerfile. ``ports`` are
    those inside; each is published on the loopback address, on a port that the container engine chooses.
    ``environment`` may name credentials as ``${NAME}``, ``volume`` is where the data lie. ``reaches`` the
    outside only what has a published port. ``probe`` is the path that answers HTTP when the service is well;
    empty: a connection to its first port is enough, and without ports that it runs.
    """

    name: str
    image: str = ""
    build: str = ""
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, ...] = ()
    volume: str = ""
    needs: tuple[str, ...] = ()
    probe: str = ""


@attrs.frozen(kw_only=True)
class Stack:
    """A template: its services, and the names of the credentials that they need."""

    name: str
    services: tuple[Service, ...]
    credentials: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Credential:
    """A secret made for one sandbox: the variable that carries it, and its value."""

    name: str
    value: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ProjectLimits:
    """The deadlines of a project sandbox, how often it is looked at, and how long its lease is at first."""

    create_s: float = 900.0
    ready_s: float = 120.0
    stop_s: float = 20.0
    look_s: float = 15.0
    lease_s: float = 8 * 3600.0
    log_lines: int = 100


@attrs.frozen(kw_only=True)
class ProjectPlan:
    """Everything that is needed to bring a sandbox up.

    ``document`` is a compose file, in JSON, that names credentials and holds none. ``builds`` are the folders
    of the project that have a Dockerfile.
    """

    sandbox_id: str
    project: str
    stack: str
    workspace: str
    document: str
    builds: tuple[str, ...]
    credentials: tuple[Credential, ...]
    limits: ProjectLimits


@attrs.frozen(kw_only=True)
class ServiceState:
    """A service as it was found: ``answers`` is None when there is nothing to ask.

    ``ports`` are pairs: the port inside, and the one on this machine's loopback address.
    """

    service: str
    state: str
    ports: tuple[tuple[int, int], ...] = ()
    answers: bool | None = None
    exit_code: int = 0


@attrs.frozen(kw_only=True)
class Health:
    """What the health rule says: running or unhealthy, and why."""

    status: SandboxStatus
    reason: str = ""


@attrs.frozen(kw_only=True)
class ProjectStanding:
    """A project sandbox as it stands; nothing in it is secret.

    ``services`` are those seen at the last look; ``lease_until`` is when it is stopped unless its lease is
    renewed before.
    """

    sandbox_id: str
    name: str
    project: str
    stack: str
    workspace: str
    status: SandboxStatus
    lease_until: datetime
    reason: str = ""
    services: tuple[ServiceState, ...] = ()


@attrs.frozen(kw_only=True)
class ProjectSandboxChanged:
    """A project sandbox entered a status, or its lease was renewed; no run's event.

    ``lease_until`` is when it is stopped. Its ports are not recorded: the container engine knows them.
    """

    sandbox_id: str
    name: str
    project: str
    stack: str
    workspace: str
    status: SandboxStatus
    lease_until: datetime
    reason: str = ""


def standing_projects(events: Iterable[object]) -> dict[str, ProjectSandboxChanged]:
    """Fold events to what is recorded last of each project sandbox that is not deleted, by their ids."""
    found = {one.sandbox_id: one for one in events if isinstance(one, ProjectSandboxChanged)}
    return {name: one for name, one in found.items() if one.status is not SandboxStatus.DELETED}


def urls(services: Iterable[ServiceState]) -> tuple[tuple[str, str], ...]:
    """Say where each published port answers: service and port inside, and an address of this machine."""
    return tuple(
        (f"{one.service}:{inside}", f"127.0.0.1:{outside}")
        for one in services
        for inside, outside in one.ports
    )
