"""Level 3: each command in a container of its own, by docker or podman.

States, beside what level 2 states: memory, processes and processor time of a command with all its
descendants are bounded by control groups. Does not state: anything against a fault of the kernel, which all
containers share, and who may ask the container engine is root on this machine, so the engine is as mighty.

Without an image of one's own a command sees what it sees at level 2: the system's programs and libraries,
read-only, over an empty root that is made here. No registry is needed for that.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack

import anyio
import anyio.to_thread
import msgspec

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.identifiers import RunId
from orket.domain.projects import COMMAND_KIND, KIND_LABEL, OWNER_LABEL, PROJECT_KIND, SANDBOX_LABEL
from orket.domain.sandboxes import Command, CommandEnd, InputFile, Limits, ProbeReport, SandboxSpec
from orket.infrastructure.sandboxes.bubblewrap import (
    interpreter,
    outermost,
    refuse_what_holds,
    system_places,
)
from orket.infrastructure.sandboxes.container import Contained, Place
from orket.infrastructure.sandboxes.container_root import REPOSITORY, profile, root_archive, tag_of
from orket.infrastructure.sandboxes.container_sandbox import ContainerSandbox
from orket.infrastructure.sandboxes.engine_api import EngineApi, EngineRefused, find_socket
from orket.infrastructure.sandboxes.jail import READ
from orket.infrastructure.sandboxes.process import ProcessDriver, enter_workspace
from orket.infrastructure.sandboxes.rooms import Room, open_room

CPUS = 2.0
USER_PROCESSES = 32_768
ROOT_LABEL = "orket.root"
IMAGE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STATES = (
    "wall-clock limit",
    "CPU limit per process, and a share of the processors per command",
    "memory of all its processes together, kept by a control group",
    "limit of processes per command, kept by a control group",
    "file-size limit",
    "output limit",
    "no process outlives its command or the engine",
    "no network",
    "nothing outside the workspace can be written",
    "of the system only programs, libraries and the interpreter can be read",
    "other processes are invisible",
    "no capabilities, no further namespaces, dangerous system calls refused",
)
PODMAN_STATES = (
    "by podman: a command that is ended for want of memory is told as killed (signal 9)",
    "by podman: commands see HOSTNAME, TERM and container in their environment",
)
# What the empty root has itself.
_LEFT_OUT = ("/sbin", "/etc/passwd", "/etc/group")
_REMEDY = "start docker or podman's service, and name its socket: DOCKER_HOST=unix:///path"


class _Info(msgspec.Struct):
    memory: bool = msgspec.field(name="MemoryLimit", default=False)
    processes: bool = msgspec.field(name="PidsLimit", default=False)
    cpu: bool = msgspec.field(name="CpuCfsQuota", default=False)
    processors: int = msgspec.field(name="NCPU", default=1)
    security: list[str] = msgspec.field(name="SecurityOptions", default_factory=list)

    def missing(self) -> list[str]:
        known = (("memory", self.memory), ("processes", self.processes), ("processor time", self.cpu))
        return [what for what, there in known if not there]


class _Part(msgspec.Struct):
    name: str = msgspec.field(name="Name", default="")


class _Version(msgspec.Struct):
    parts: list[_Part] = msgspec.field(name="Components", default_factory=list)


class _Image(msgspec.Struct):
    id: str = msgspec.field(name="Id")


class _Network(msgspec.Struct):
    id: str = msgspec.field(name="Id")
    internal: bool = msgspec.field(name="Internal", default=False)


class ComposeDriver(ProcessDriver):
    """The ``compose`` rung.

    Args:
        socket: Path of the container engine's socket; by default it is looked for.
        image: An image of one's own, which must be there; by default the system's programs are mounted.
        owner: Whose containers these are; those of the same owner that an earlier process left are removed.
        readable: Further folders that every command may read.
        path: ``PATH`` of the commands; the default puts this interpreter's folder before the system's.
        scratch: Where the commands' private directories are made; the system's temporary folder by default.
    """

    name = "compose"
    level = 3

    def __init__(
        self,
        *,
        socket: str | None = None,
        image: str = "",
        owner: str = "",
        readable: Sequence[str] = (),
        path: str | None = None,
        scratch: str | None = None,
    ) -> None:
        super().__init__(path=path, scratch=scratch)
        self._api = EngineApi(find_socket(os.environ) if socket is None else socket)
        self._image, self._owner, self._own_path = image, owner, path is not None
        self._readable = outermost((*interpreter(), *readable))
        self._info: _Info | None = None
        self._by_path = False

    async def _probe(self) -> ProbeReport:
        """Run a command that tries to read, to write and to see what must be out of reach."""
        if sys.platform != "linux":
            return self._told("it needs Linux", "use Linux, or allow a weaker level by name")
        if not self._api.socket:
            return self._told("no container engine's socket is named or found", _REMEDY)
        try:
            info = await self._asked()
            if missing := info.missing():
                why = f"the container engine cannot limit {', '.join(missing)}"
                return self._told(why, "give it control groups")
            with tempfile.TemporaryDirectory(prefix="orket-probe-", dir=self._scratch) as folder:
                return self._told(await self._try_to_escape(folder), _REMEDY)
        except (SandboxError, OSError) as error:
            return self._told(str(error), _REMEDY)

    async def _try_to_escape(self, folder: str) -> str:
        spec = SandboxSpec(run_id=RunId("probe"), workspace=f"{folder}/work", levels=(self.name,))
        opened = await self.open(spec)
        try:
            told = await opened.run(_trial())
        finally:
            await opened.close()
        if told.end is not CommandEnd.OK or told.stdout != b"kept\n":
            said = (told.stdout + told.stderr).decode("utf-8", "replace").strip()[-300:]
            return f"a trial command ended with {told.end} (exit code {told.exit_code}): {said}"
        here = await anyio.Path(folder, "work", "here").exists()
        return "" if here else "the container engine's directories are another machine's"

    def _told(self, reason: str, remedy: str = "") -> ProbeReport:
        return ProbeReport(
            driver=self.name,
            level=self.level,
            ok=not reason,
            states=(*STATES, *PODMAN_STATES) if self._by_path else STATES,
            reason=reason,
            remedy=remedy if reason else "",
        )

    async def open(self, spec: SandboxSpec) -> ContainerSandbox:
        """Open a sandbox; see the port for the errors.

        Raises:
            SandboxUnavailable: Also when the workspace holds what commands must not write, when no engine
                answers, or when the image is not there.
        """
        workspace = await anyio.to_thread.run_sync(self._admissible, spec.workspace)
        try:
            info = await self._asked()
            if self._by_path and any(sign in workspace for sign in ",:"):
                raise SandboxUnavailable(
                    f"workspace {workspace!r}: podman cannot show a path with a comma or a colon in it",
                    remedy="name another directory",
                )
            image = self._image or await self._own_root()
            await self._api.call("GET", f"/images/{image}/json", kind=bytes)
            network = await self._network(spec.services) if spec.services else ""
        except EngineRefused as error:
            raise SandboxUnavailable(error.detail, remedy=f"load the image {self._image}") from error
        except SandboxUnavailable:
            raise
        except SandboxError as error:
            raise SandboxUnavailable(error.detail, remedy=_REMEDY) from error
        root = await enter_workspace(spec.workspace)
        with ExitStack() as held:
            held.callback(os.close, root)
            room = await open_room(spec, as_another=False, may_overlay=False)
            held.pop_all()
        return self._opened(root, workspace, image, info, room, network)

    def _admissible(self, workspace: str) -> str:
        """Resolve a workspace; one that holds the engine's socket would be the way out."""
        refuse_what_holds(workspace, (*self._readable, os.path.realpath(self._api.socket)))
        return os.path.realpath(workspace)

    async def _network(self, services: str) -> str:
        """Find the network of a project sandbox that leads to its services and nowhere else."""
        labels = [
            f"{OWNER_LABEL}={self._owner}",
            f"{KIND_LABEL}={PROJECT_KIND}",
            f"{SANDBOX_LABEL}={services}",
        ]
        query = {"filters": msgspec.json.encode({"label": labels}).decode()}
        found = await self._api.call("GET", "/networks", kind=list[_Network], query=query)
        if inside := [one.id for one in found if one.internal]:
            return inside[0]
        raise SandboxUnavailable(
            f"no network of the project sandbox {services!r} is there",
            remedy="create the project sandbox anew: orket sandbox create",
        )

    def _opened(
        self, root: int, workspace: str, image: str, info: _Info, room: Room, network: str
    ) -> ContainerSandbox:
        # Where the engine runs as an ordinary user, its root is that user.
        rootless = any("rootless" in one for one in info.security)
        template = Contained(
            image=image,
            workspace=workspace,
            user="0:0" if rootless else f"{os.geteuid()}:{os.getegid()}",
            cpus=min(CPUS, float(info.processors)),
            places=self._places(workspace),
            profile="" if self._by_path else profile(),
            # Left alone, podman asks for more than it may give where it is bounded itself.
            user_processes=USER_PROCESSES if self._by_path else 0,
            labels={OWNER_LABEL: self._owner, KIND_LABEL: COMMAND_KIND},
            network=network,
        )
        path = IMAGE_PATH if self._image and not self._own_path else self._path
        try:
            return ContainerSandbox(root, self._api, template, path=path, scratch=self._scratch, room=room)
        except OSError as error:
            raise SandboxUnavailable(
                f"a guard cannot be started: {error}", remedy="see the limits of this process"
            ) from error

    def _places(self, workspace: str) -> tuple[Place, ...]:
        own = Place(source=workspace, target=workspace, writable=True)
        if self._image:
            return (own,)
        system = [
            Place(source=source, target=target)
            for how, source, target in system_places(self._readable)
            if how == READ and target not in _LEFT_OUT
        ]
        return (*system, own)

    async def _asked(self) -> _Info:
        if self._info is None:
            version = await self._api.call("GET", "/version", kind=_Version)
            # podman's service takes the list of system calls as a file's path, docker as its content.
            self._by_path = any("Podman" in one.name for one in version.parts)
            self._info = await self._api.call("GET", "/info", kind=_Info)
        return self._info

    async def _own_root(self) -> str:
        """Find the empty root by its label, or make it; engines differ in the names they give."""
        archive = await anyio.to_thread.run_sync(root_archive)
        tag = tag_of(archive)
        label = f"{ROOT_LABEL}={tag}"
        if not (found := await self._labelled(label)):
            made = {"fromSrc": "-", "repo": REPOSITORY, "tag": tag, "changes": f"LABEL {label}"}
            await self._api.call("POST", "/images/create", kind=bytes, query=made, content=archive)
            found = await self._labelled(label)
        if not found:
            raise SandboxError("the container engine has not kept the root that was made")
        return found[0].id

    async def _labelled(self, label: str) -> list[_Image]:
        wanted = msgspec.json.encode({"label": [label]}).decode()
        return await self._api.call("GET", "/images/json", kind=list[_Image], query={"filters": wanted})


def _trial() -> Command:
    return Command(
        argv=("/bin/sh", "{private}/trial.sh", str(os.getpid())),
        files=(InputFile(name="trial.sh", content=_TRIAL.encode()),),
        limits=Limits(wall_s=20.0, cpu_s=10),
    )


# Each line is a way out. A container's root has the number 0 where the engine's user has it, and no powers.
_TRIAL = """
fail() { echo "$1"; exit 1; }
(cat /etc/shadow || cat /proc/1/root/etc/shadow) >/dev/null 2>&1 && fail '/etc/shadow can be read'
(echo x > /usr/orket-probe) 2>/dev/null && fail '/usr can be written'
(echo x > /etc/orket-probe) 2>/dev/null && fail '/etc can be written'
(echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && fail '/proc/sys can be written'
[ -d "/proc/$1/task" ] && [ "$1" -gt 100 ] && fail 'the engine can be seen'
tail -n +3 /proc/net/dev | grep -qv '^ *lo:' && fail 'there is a network'
grep -q '^CapEff:.0000000000000000$' /proc/self/status || fail 'it has powers'
grep -q '^NoNewPrivs:.1$' /proc/self/status || fail 'it can gain powers'
grep -q '^Seccomp:.2$' /proc/self/status || fail 'no system call is refused'
touch here || fail 'the workspace cannot be written'
echo kept
"""
