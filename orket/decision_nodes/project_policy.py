"""The part of ``sandbox_policy_node`` that is about project sandboxes: stacks, names, files, health."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from orket.decision_nodes import house_rules as rules
from orket.decision_nodes.stacks import DATABASE, DB_PASSWORD, STACKS, USER
from orket.domain.assets import Organization
from orket.domain.projects import Credential, Health, ProjectLimits, Service, ServiceState, Stack
from orket.domain.sandboxes import SandboxStatus

LOOPBACK = "127.0.0.1"
URL = "${DATABASE_URL}"
# In a connection string or an address these have no meaning; database servers want letters of each kind.
_SUFFIX = "aA1"
_MEMORY, _PROCESSES = "2g", 512
# This machine has no address in it: what listens on all of its addresses is not to be reached from there.
_APART = {"com.docker.network.bridge.inhibit_ipv4": "true"}


class ProjectPolicy:
    """What a project sandbox is made of, how it is called, and when it is well.

    Args:
        stacks: The templates; the first is the default.
    """

    def __init__(self, stacks: Sequence[Stack] = STACKS) -> None:
        self._stacks = {one.name: one for one in stacks}

    def stacks(self) -> tuple[Stack, ...]:
        """List the supported stacks, the default first."""
        return tuple(self._stacks.values())

    def choose_stack(self, wanted: str, organization: Organization) -> Stack | None:
        """Choose what is asked for, then the house's ``sandbox_stack``, then the first; None: unsupported."""
        name = wanted or organization.rule("sandbox_stack") or next(iter(self._stacks), "")
        return self._stacks.get(name)

    def project_name(self, sandbox_id: str) -> str:
        """Name the compose project of a sandbox."""
        return f"orket-{sandbox_id}"

    def credentials(self, stack: Stack, entropy: bytes) -> tuple[Credential, ...]:
        """Make the secrets of a sandbox from 32 random bytes that nobody else has."""
        return tuple(
            Credential(name=name, value=_word(hmac.digest(entropy, name.encode(), hashlib.sha256)))
            for name in stack.credentials
        )

    def database_url(self, stack: Stack) -> str:
        """Write the address of a stack's database as its other services see it; the password by its name."""
        db = next((one for one in stack.services if one.name == "db"), None)
        if db is None:
            return ""
        password, port = f"${{{DB_PASSWORD}}}", db.ports[0] if db.ports else 0
        match db.image.split(":")[0].rpartition("/")[2]:
            case "postgres":
                return f"postgresql://{USER}:{password}@db:{port}/{DATABASE}"
            case "mongo":
                return f"mongodb://{USER}:{password}@db:{port}/{DATABASE}?authSource=admin"
            case "server":
                login = f"User Id=sa;Password={password};TrustServerCertificate=True"
                return f"Server=db,{port};Database={DATABASE};{login}"
            case _:
                return ""

    def published(self, service: Service) -> tuple[str, ...]:
        """Publish each port on the loopback address; which port it is there, the container engine chooses."""
        return tuple(f"{LOOPBACK}::{port}" for port in service.ports)

    def compose(self, stack: Stack, sandbox_id: str, labels: Mapping[str, str]) -> Mapping[str, object]:
        """Write the compose file, as data, with credentials by their names only.

        A service without published ports reaches nothing but its neighbours.
        """
        url = self.database_url(stack)
        services = {one.name: self._service(one, url, labels) for one in stack.services}
        volumes = {f"{one.name}-data": {"labels": dict(labels)} for one in stack.services if one.volume}
        return {
            "name": self.project_name(sandbox_id),
            "services": services,
            "networks": {
                "inside": {"internal": True, "driver_opts": dict(_APART), "labels": dict(labels)},
                "edge": {"labels": dict(labels)},
            },
            **({"volumes": volumes} if volumes else {}),
        }

    def _service(self, one: Service, url: str, labels: Mapping[str, str]) -> dict[str, object]:
        made: dict[str, object] = {"labels": {**labels, "orket.probe": one.probe}}
        made |= (
            {"build": {"context": f"./{one.build}", "labels": dict(labels)}}
            if one.build
            else {"image": one.image}
        )
        made |= {"command": list(one.command)} if one.command else {}
        made |= {"environment": {key: value.replace(URL, url) for key, value in one.environment}}
        made |= {"ports": list(self.published(one))} if one.ports else {}
        made |= {"volumes": [f"{one.name}-data:{one.volume}"]} if one.volume else {}
        made |= {"depends_on": list(one.needs)} if one.needs else {}
        return {
            **made,
            "networks": ["inside", "edge"] if one.ports else ["inside"],
            "restart": "unless-stopped",
            "security_opt": ["no-new-privileges:true"],
            "mem_limit": _MEMORY,
            "pids_limit": _PROCESSES,
            "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "2"}},
        }

    def health(self, stack: Stack | None, seen: Sequence[ServiceState]) -> Health:
        """Judge what was found: all services of the stack run, and those that can be asked answer.

        Nothing at all is not well. ``stack`` is None when it is no longer among the templates.
        """
        wanted = [one.name for one in stack.services] if stack is not None else []
        missing = [name for name in wanted if name not in {one.service for one in seen}]
        down = [f"{one.service} is {one.state}" for one in seen if one.state != "running"]
        silent = [
            f"{one.service} does not answer"
            for one in seen
            if one.state == "running" and one.answers is False
        ]
        reasons = [*(f"{name} is not there" for name in missing), *down, *silent]
        if not seen:
            reasons = ["no service is there"]
        return Health(
            status=SandboxStatus.UNHEALTHY if reasons else SandboxStatus.RUNNING, reason="; ".join(reasons)
        )

    def project_limits(self, organization: Organization) -> ProjectLimits:
        """Set the deadlines, the lease and how much of a log is shown.

        Raises:
            SettingsError: A process rule is not a number in its range.
        """
        return ProjectLimits(
            create_s=float(rules.number(organization, rules.PROJECT_CREATE_S)),
            ready_s=float(rules.number(organization, rules.PROJECT_READY_S)),
            lease_s=float(rules.number(organization, rules.PROJECT_LEASE_S)),
            log_lines=rules.number(organization, rules.PROJECT_LOG_LINES),
        )


def _word(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=").replace("-", "x").replace("_", "y") + _SUFFIX
