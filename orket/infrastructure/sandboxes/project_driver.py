"""Project sandboxes at a container engine: brought up by compose, and found again by their labels.

Only bringing one up needs the compose program and the secrets. Everything after that asks the container
engine itself, so that it also works after a restart, when neither the file nor the secrets are at hand.
An engine looks for what is left at its start; the modules that bring up and run are imported when wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

import anyio
import anyio.to_thread
import msgspec

from orket.domain.errors import SandboxError, SandboxNotFound, SandboxUnavailable, ToolError
from orket.domain.projects import (
    COMMAND_KIND,
    KIND_LABEL,
    OWNER_LABEL,
    PROBE_LABEL,
    PROJECT_KIND,
    SANDBOX_LABEL,
    ProjectPlan,
    ServiceState,
)
from orket.domain.redaction import Redactor, secret_values
from orket.domain.sandboxes import Command, CommandResult
from orket.infrastructure.sandboxes import workspace as files
from orket.infrastructure.sandboxes.answering import answers
from orket.infrastructure.sandboxes.engine_api import SCHEME, EngineApi, EngineRefused, find_socket
from orket.infrastructure.sandboxes.frames import split_frames

SERVICE_LABEL = "com.docker.compose.service"
FILE = "agent_output/docker-compose.sandbox.yml"
# What a compose program may know of us: where programs are, and the person's logins to registries.
_PASSED = ("PATH", "HOME", "DOCKER_CONFIG", "LANG")
_REMEDY = "start docker or podman's service, and name its socket: DOCKER_HOST=unix:///path"


class _Port(msgspec.Struct):
    inside: int = msgspec.field(name="PrivatePort")
    outside: int = msgspec.field(name="PublicPort", default=0)


class _Listed(msgspec.Struct):
    id: str = msgspec.field(name="Id")
    state: str = msgspec.field(name="State", default="")
    labels: dict[str, str] = msgspec.field(name="Labels", default_factory=dict)
    ports: list[_Port] = msgspec.field(name="Ports", default_factory=list)

    @property
    def service(self) -> str:
        return self.labels.get(SERVICE_LABEL, "")


class _Named(msgspec.Struct):
    labels: dict[str, str] | None = msgspec.field(name="Labels", default=None)
    id: str = msgspec.field(name="Id", default="")
    name: str = msgspec.field(name="Name", default="")


class _Volumes(msgspec.Struct):
    volumes: list[_Named] | None = msgspec.field(name="Volumes", default=None)


class _Config(msgspec.Struct):
    environment: list[str] | None = msgspec.field(name="Env", default=None)


class _Inspected(msgspec.Struct):
    config: _Config = msgspec.field(name="Config")


class ComposeProjects:
    """See ``ProjectDriver``.

    Args:
        socket: Path of the container engine's socket; by default it is looked for.
        owner: Whose sandboxes these are: only what carries this label is ever touched.
    """

    def __init__(self, *, socket: str | None = None, owner: str = "") -> None:
        self._api = EngineApi(find_socket(os.environ) if socket is None else socket)
        self.owner = owner

    async def check(self, plan: ProjectPlan) -> None:
        """Find out whether ``up`` can work; see the port."""
        if not self._api.socket:
            raise SandboxUnavailable("no container engine's socket is named or found", remedy=_REMEDY)
        from orket.infrastructure.sandboxes.compose_program import find_compose

        await self._api.call("GET", "/_ping", kind=bytes)
        await find_compose()
        await anyio.to_thread.run_sync(_check_builds, plan)

    async def up(self, plan: ProjectPlan) -> None:
        """Build and start everything; see the port."""
        from orket.infrastructure.sandboxes.compose_program import find_compose, run_compose

        program = await find_compose()
        await anyio.to_thread.run_sync(_keep, plan)
        given = {one.name: one.value for one in plan.credentials}
        passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
        head = (*program, "--project-name", plan.project, "--project-directory", plan.workspace)
        # The file is not read from the workspace, where a command could have put another in its place.
        await run_compose(
            (*head, "--file", "-", "up", "--detach", "--build", "--quiet-pull", "--remove-orphans"),
            document=plan.document,
            environment={**passed, **given, "DOCKER_HOST": f"{SCHEME}{self._api.socket}"},
            secrets=tuple(given.values()),
        )

    async def services(self, sandbox_id: str) -> tuple[ServiceState, ...]:
        """Look at its services; see the port."""
        found = await self._containers(sandbox_id)
        states: dict[str, ServiceState] = {}

        async def look(one: _Listed) -> None:
            states[one.id] = await _state(one)

        async with anyio.create_task_group() as group:
            for one in found:
                group.start_soon(look, one)
        return tuple(sorted(states.values(), key=lambda one: one.service))

    async def logs(self, sandbox_id: str, *, service: str, lines: int) -> str:
        """Read the last lines; see the port."""
        found = await self._containers(sandbox_id, service)
        wanted = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        told = []
        for one in found:
            said = await self._api.call("GET", f"/containers/{one.id}/logs", kind=bytes, query=wanted)
            head = "" if service else f"{one.service} | "
            told += [head + line for line in split_frames(said).decode("utf-8", "replace").splitlines()]
        return (await self._redactor(found)).text("\n".join(told))

    async def run(self, sandbox_id: str, *, service: str, command: Command) -> CommandResult:
        """Run a command in a service's container; see the port."""
        from orket.infrastructure.sandboxes.inside import run_inside

        found = await self._containers(sandbox_id, service)
        running = next((one for one in found if one.state == "running"), None)
        if running is None:
            raise SandboxError(f"service {service} of {sandbox_id} is not running")
        redactor = await self._redactor(await self._containers(sandbox_id))
        return await run_inside(self._api, running.id, command, redactor)

    async def stop(self, sandbox_id: str, *, within_s: float) -> None:
        """Stop its services; see the port."""
        async with anyio.create_task_group() as group:
            for one in await self._containers(sandbox_id):
                group.start_soon(self._stop, one.id, within_s)

    async def remove(self, sandbox_id: str) -> None:
        """Leave nothing of it; see the port."""
        for one in await self._containers(sandbox_id):
            await self._delete(f"/containers/{one.id}", {"force": "1", "v": "1"})
        for place in await self._networks(sandbox_id):
            await self._delete(f"/networks/{place.id}")
        for place in await self._volumes(sandbox_id):
            await self._delete(f"/volumes/{place.name}", {"force": "1"})
        images = await self._api.call(
            "GET", "/images/json", kind=list[_Named], query=self._filter(sandbox_id)
        )
        for image in images:
            with suppress(EngineRefused):  # something of somebody else's is made of it
                await self._delete(f"/images/{image.id}", {"force": "1"})

    async def left(self) -> frozenset[str]:
        """Name the sandboxes of which anything is there; see the port."""
        if not self._api.socket:
            raise SandboxUnavailable("no container engine's socket is named or found", remedy=_REMEDY)
        labels = [
            *[one.labels for one in await self._containers("")],
            *[one.labels for one in (*await self._networks(""), *await self._volumes(""))],
        ]
        return frozenset(one[SANDBOX_LABEL] for one in labels if one and SANDBOX_LABEL in one)

    async def clear_commands(self) -> int:
        """Remove the containers of commands; see the port."""
        found = await self._api.call(
            "GET",
            "/containers/json",
            kind=list[_Listed],
            query={"all": "1", **self._filter("", COMMAND_KIND)},
        )
        for one in found:
            await self._delete(f"/containers/{one.id}", {"force": "1", "v": "1"})
        return len(found)

    async def _stop(self, container: str, within_s: float) -> None:
        with suppress(EngineRefused):  # it is gone
            await self._api.call(
                "POST",
                f"/containers/{container}/stop",
                kind=bytes,
                query={"t": str(int(within_s))},
                within_s=within_s + 30.0,
            )

    async def _containers(self, sandbox_id: str, service: str = "") -> list[_Listed]:
        query = {"all": "1", **self._filter(sandbox_id)}
        found = await self._api.call("GET", "/containers/json", kind=list[_Listed], query=query)
        if not service:
            return sorted(found, key=lambda one: one.service)
        if ours := [one for one in found if one.service == service]:
            return ours
        known = ", ".join(sorted(one.service for one in found)) or "none"
        raise SandboxNotFound(f"{sandbox_id} has no service {service!r}; known: {known}")

    async def _networks(self, sandbox_id: str) -> list[_Named]:
        return await self._api.call("GET", "/networks", kind=list[_Named], query=self._filter(sandbox_id))

    async def _volumes(self, sandbox_id: str) -> list[_Named]:
        told = await self._api.call("GET", "/volumes", kind=_Volumes, query=self._filter(sandbox_id))
        return told.volumes or []

    def _filter(self, sandbox_id: str, kind: str = PROJECT_KIND) -> dict[str, str]:
        labels = [f"{OWNER_LABEL}={self.owner}", f"{KIND_LABEL}={kind}"]
        labels += [f"{SANDBOX_LABEL}={sandbox_id}"] if sandbox_id else []
        return {"filters": msgspec.json.encode({"label": labels}).decode()}

    async def _delete(self, path: str, query: Mapping[str, str] | None = None) -> None:
        try:
            await self._api.call("DELETE", path, kind=bytes, query=query, within_s=60.0)
        except EngineRefused as error:
            if error.status != 404:  # somebody was faster
                raise

    async def _redactor(self, containers: Iterable[_Listed]) -> Redactor:
        """Learn the secrets of a sandbox from where they are: the environment of its containers."""
        values: set[str] = set()
        for one in containers:
            told = await self._api.call("GET", f"/containers/{one.id}/json", kind=_Inspected)
            pairs = (entry.partition("=") for entry in told.config.environment or ())
            values.update(secret_values({name: value for name, _, value in pairs}))
        return Redactor(tuple(values))


async def _state(one: _Listed) -> ServiceState:
    ports = sorted({(port.inside, port.outside) for port in one.ports if port.outside})
    asked = one.state == "running" and bool(ports)
    return ServiceState(
        service=one.service,
        state=one.state,
        ports=tuple(ports),
        answers=await answers(ports[0][1], one.labels.get(PROBE_LABEL, "")) if asked else None,
    )


def _check_builds(plan: ProjectPlan) -> None:
    """See that each folder to build has a Dockerfile, without following a link out of the workspace."""
    try:
        root = os.open(plan.workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise SandboxUnavailable(
            f"workspace {plan.workspace!r}: {error.strerror}", remedy="name the project's directory"
        ) from error
    try:
        for one in plan.builds:
            if "Dockerfile" not in files.list_folder(root, one):
                raise SandboxUnavailable(
                    f"{one}/Dockerfile is missing in {plan.workspace}",
                    remedy=f"the stack {plan.stack} builds {', '.join(plan.builds)}",
                )
    except ToolError as error:
        raise SandboxUnavailable(
            f"{plan.workspace}: {error.detail}",
            remedy=f"the stack {plan.stack} builds {', '.join(plan.builds)}",
        ) from error
    finally:
        os.close(root)


def _keep(plan: ProjectPlan) -> None:
    """Lay the file into the workspace, for people to read."""
    root = os.open(plan.workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        files.write_file(root, FILE, plan.document.encode())
    except ToolError as error:
        raise SandboxError(f"{plan.workspace}: {error.detail}") from error
    finally:
        os.close(root)
