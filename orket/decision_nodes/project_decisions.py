"""What ``sandbox_policy_node`` decides about project sandboxes; a part of that family's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from orket.domain.assets import Organization
from orket.domain.projects import Credential, Health, ProjectLimits, Service, ServiceState, Stack


class ProjectDecisions(Protocol):
    """Which stacks there are, how a sandbox of one is made and called, and when it is well."""

    def stacks(self) -> tuple[Stack, ...]:
        """List the stacks that a project sandbox can have, the default first."""
        ...

    def choose_stack(self, wanted: str, organization: Organization) -> Stack | None:
        """Choose a project's stack; ``wanted`` may be empty. None when it is not supported."""
        ...

    def project_name(self, sandbox_id: str) -> str:
        """Name the compose project of a project sandbox."""
        ...

    def credentials(self, stack: Stack, entropy: bytes) -> tuple[Credential, ...]:
        """Make the secrets of a project sandbox from 32 random bytes."""
        ...

    def database_url(self, stack: Stack) -> str:
        """Write the address of the stack's database, with the password by its variable's name; or nothing."""
        ...

    def published(self, service: Service) -> tuple[str, ...]:
        """Say how a service's ports are published, as compose writes it."""
        ...

    def compose(self, stack: Stack, sandbox_id: str, labels: Mapping[str, str]) -> Mapping[str, object]:
        """Write the compose file, as data; all in it carries ``labels``, and nothing in it is secret."""
        ...

    def health(self, stack: Stack | None, seen: Sequence[ServiceState]) -> Health:
        """Judge whether a project sandbox is running or unhealthy, and say why."""
        ...

    def project_limits(self, organization: Organization) -> ProjectLimits:
        """Set the deadlines of a project sandbox, its lease, and how much of a log is shown."""
        ...
