"""Level 0: commands as plain processes, bounded and entirely gone at their end, but not isolated.

States: limits on wall-clock time, CPU, address space, output, file size and number of processes; no process
outlives its command or the engine. Does not state: any isolation of files, network or other processes. It is
for trusted tools, and allowed by name only.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TypeVar

import anyio
import anyio.to_thread
import attrs

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.identifiers import RunId
from orket.domain.sandboxes import (
    REACHING,
    Command,
    CommandEnd,
    CommandResult,
    InputFile,
    Limits,
    ProbeReport,
    SandboxSpec,
    Terms,
)
from orket.infrastructure.sandboxes import workspace as files
from orket.infrastructure.sandboxes.claims import unclaimed
from orket.infrastructure.sandboxes.groups import MemoryGroup, MemoryGroups
from orket.infrastructure.sandboxes.launching import Launch, Launched, run_launch
from orket.infrastructure.sandboxes.overlay import acting_as
from orket.infrastructure.sandboxes.rooms import Room, open_room
from orket.infrastructure.sandboxes.sweeping import home_of

T = TypeVar("T")

#: From a command's private directory and its environment to the jail it is put into; empty: none.
Jail = Callable[[str, Mapping[str, str]], tuple[str, ...]]

PRIVATE_MARK = "{private}"
STATES = (
    "wall-clock limit",
    "CPU limit per process",
    "address-space limit per process",
    "file-size limit",
    "output limit",
    "limit of processes per command, looked at 20 times a second",
    "no process outlives its command or the engine",
)
MEMORY_STATE = "memory limit per command as a whole, kept by a control group"
NO_GROUP = "a control group was found, and is no good"
SUPERSEDED = ("address-space limit", "memory of all its processes")
_OWN_NAMES = frozenset({"", ".", "..", "home", "tmp"})


class ProcessDriver:
    """The ``process`` rung.

    Args:
        path: ``PATH`` of the commands; the default puts this interpreter's folder before the system's.
        scratch: Where the commands' private directories are made; the system's temporary folder by default.
        groups: Where control groups can be made that bound the memory of a command as a whole.
    """

    name = "process"
    level = 0
    _as_another = False  # whether root's commands run as a user of their own

    def __init__(
        self, *, path: str | None = None, scratch: str | None = None, groups: MemoryGroups | None = None
    ) -> None:
        self._groups = groups
        own = str(Path(sys.executable).parent)
        self._path = path if path is not None else f"{own}:/usr/local/bin:/usr/bin:/bin"
        self._scratch = scratch
        self._probed: ProbeReport | None = None

    async def probe(self) -> ProbeReport:
        """Run a command and see that it keeps within its bounds; a good answer is remembered."""
        if self._probed is None or not self._probed.ok:
            self._probed = await self._probe_with_groups()
        return self._probed

    async def _probe_with_groups(self) -> ProbeReport:
        """Say whose memory is bounded too; a place for control groups that is no good is a failure."""
        if self._groups is None:
            return await self._probe()
        problem = await anyio.to_thread.run_sync(self._groups.problem)
        if problem and self._groups.found:
            self._groups = None
            report = await self._probe()
            return attrs.evolve(report, states=(*report.states, f"{NO_GROUP}: {problem}"))
        if problem:
            remedy = "hand a control group with the memory controller over to this user, or name none"
            return ProbeReport(
                driver=self.name, level=self.level, ok=False, states=(), reason=problem, remedy=remedy
            )
        report = await self._probe()
        kept = (one for one in report.states if not one.startswith(SUPERSEDED))
        states = (MEMORY_STATE, f"control groups are made in {self._groups}", *kept)
        return attrs.evolve(report, states=states)

    async def _probe(self) -> ProbeReport:
        """Run a command that leaves a process behind, and see that it is cleaned up."""
        if sys.platform != "linux":
            return self._report("it needs Linux: a launcher adopts and ends stray processes")
        try:
            with tempfile.TemporaryDirectory(prefix="orket-probe-", dir=self._scratch) as folder:
                told = await self._try_in(folder)
        except (SandboxError, OSError) as error:
            return self._report(str(error))
        if told.end is not CommandEnd.OK or told.stdout != b"ready\n":
            return self._report(f"a trial command ended with {told.end}, exit code {told.exit_code}")
        return self._report("")

    async def _try_in(self, folder: str) -> CommandResult:
        opened = await self.open(SandboxSpec(run_id=RunId("probe"), workspace=folder, levels=()))
        try:
            return await opened.run(_PROBE)
        finally:
            await opened.close()

    def _report(self, reason: str) -> ProbeReport:
        remedy = "run on Linux 5.3 or later with /proc mounted and a writable temporary folder"
        return ProbeReport(
            driver=self.name,
            level=self.level,
            ok=not reason,
            states=STATES,
            reason=reason,
            remedy=remedy if reason else "",
        )

    async def open(self, spec: SandboxSpec) -> ProcessSandbox:
        """Open a sandbox over the workspace of ``spec``, which is made if it does not exist.

        Raises:
            SandboxUnavailable: The workspace is not a directory or cannot be made, or a command that an
                engine left behind does not end.
        """
        if spec.services:
            raise SandboxUnavailable(
                f"commands at the level {self.name} are not connected with services ({spec.services})",
                remedy=f"allow the level {REACHING[0]} in the organization's sandbox.levels",
            )
        root = await enter_workspace(spec.workspace)
        with ExitStack() as held:
            held.callback(os.close, root)
            room = await open_room(spec, as_another=self._as_another)
            held.pop_all()
        return ProcessSandbox(
            root,
            path=self._path,
            scratch=self._scratch,
            jail=self._jail_of(spec, overlaid=room.overlaid),
            room=room,
            groups=self._groups,
        )

    def _jail_of(self, spec: SandboxSpec, *, overlaid: bool) -> Jail:
        """Say what each command of this sandbox is put into."""
        return no_jail


class ProcessSandbox:
    """An open workspace and the commands that run over it."""

    def __init__(
        self,
        root: int,
        *,
        path: str,
        scratch: str | None,
        jail: Jail,
        room: Room,
        groups: MemoryGroups | None = None,
    ) -> None:
        self._groups = groups
        self._root, self._path, self._scratch, self._jail = root, path, scratch, jail
        self._running: set[Launched] = set()
        self._warm, self._view = room.warm, room
        self._busy = 0
        self._idle = anyio.Event()

    @property
    def terms(self) -> Terms:
        """What it really gives."""
        return Terms(workspace=self._view.level, memory="process" if self._groups is None else "cgroup")

    async def run(self, command: Command) -> CommandResult:
        """Run a command to its end; the whole process tree is gone when this returns or is cancelled.

        A command that the sandbox's closing cuts short ends as ``canceled``.

        Raises:
            SandboxError: The command could not be started for reasons that are not its own.
        """
        with ExitStack() as held:
            root = self._enter(held)
            private = await anyio.to_thread.run_sync(make_private, command.files, self._scratch)
            try:
                stdin = None
                group = self._grouped(command.limits, held)
                if command.stdin:
                    stdin = await anyio.to_thread.run_sync(_make_stdin, command.stdin, private, held)
                environment = environment_of(private, self._path)
                launch = Launch(
                    argv=tuple(one.replace(PRIVATE_MARK, private) for one in command.argv),
                    workspace=root,
                    claimed=self._root,
                    private=private,
                    environment=environment,
                    stdin=stdin,
                    limits=command.limits,
                    jail=self._jail(private, environment),
                    group=-1 if group is None else group.joining,
                    talk=command.talk,
                )
                if self._root < 0:  # closed while the command was being prepared
                    return NOT_BEGUN
                told = await run_launch(launch, self._running, self._warm)
                if group is not None and told.end is not CommandEnd.OK and group.overstepped():
                    return attrs.evolve(told, end=CommandEnd.MEMORY)
                return told
            finally:
                if _is_there(private):  # the launcher could not take all of it away
                    with anyio.CancelScope(shield=True):
                        await anyio.to_thread.run_sync(remove_private, private)

    def _grouped(self, limits: Limits, held: ExitStack) -> MemoryGroup | None:
        """Make the command's control group, until ``held`` closes; None where there is no place for any."""
        if self._groups is None:
            return None
        group = self._groups.open(limits.memory_bytes)
        held.callback(group.close)
        return group

    async def read(self, path: str, *, bytes_max: int) -> bytes:
        """Read a workspace file; see the port for the errors."""
        return await self._on_files(lambda root: files.read_file(root, path, bytes_max))

    async def write(self, path: str, content: bytes) -> None:
        """Write a workspace file whole, durable on return; see the port for the errors."""
        await self._on_files(lambda root: files.write_file(root, path, content))

    async def entries(self, path: str) -> tuple[str, ...]:
        """List a workspace folder; see the port for the errors."""
        return await self._on_files(lambda root: files.list_folder(root, path))

    async def close(self) -> None:
        """End everything that runs in it and wait for that; may be called twice."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1
        for launched in self._running:
            launched.stop()
        while self._busy:
            await self._idle.wait()
        await self._warm.close()

    async def _on_files(self, act: Callable[[int], T]) -> T:
        with ExitStack() as held:
            root = self._enter(held)
            if not self._view.overlaid:
                return await anyio.to_thread.run_sync(act, root)

            def as_its_owner() -> T:
                with acting_as(root):
                    return act(root)

            return await anyio.to_thread.run_sync(as_its_owner)

    def _enter(self, held: ExitStack) -> int:
        """Take part in the sandbox with a directory descriptor of one's own, until ``held`` closes."""
        if self._root < 0:
            raise SandboxError("the sandbox is closed")
        root = self._warm.shown() if self._view.overlaid else os.dup(self._root)
        self._busy += 1
        held.callback(self._leave)
        held.callback(os.close, root)
        return root

    def _leave(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._idle.set()
            self._idle = anyio.Event()


NOT_BEGUN = CommandResult(end=CommandEnd.CANCELED, exit_code=-9, stdout=b"", stderr=b"", duration_ms=0)
_PROBE = Command(
    argv=("/bin/sh", "-c", "(sleep 60 &) ; echo ready"),
    limits=Limits(wall_s=10.0, cpu_s=10),
)


def no_jail(private: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Put a command nowhere."""
    return ()


def environment_of(private: str, path: str) -> Mapping[str, str]:
    """All that a command is told of the world; nothing comes from this process's own environment."""
    return {
        "HOME": home_of(private),
        "LANG": "C.UTF-8",
        "PATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": f"{private}/tmp",
    }


async def enter_workspace(workspace: str) -> int:
    """Open the directory, made at need, once nothing of an earlier engine works in it.

    Raises:
        SandboxUnavailable: It cannot be used, or a command that an engine left behind does not end.
    """
    try:
        root = await anyio.to_thread.run_sync(_open_workspace, workspace)
    except (OSError, ValueError) as error:
        raise SandboxUnavailable(
            f"workspace {workspace!r} cannot be used: {error}", remedy="name a directory to write in"
        ) from error
    with ExitStack() as held:
        held.callback(os.close, root)
        if not await unclaimed(root):
            raise SandboxUnavailable(
                f"workspace {workspace!r}: commands are under way in it that are not this sandbox's",
                remedy="wait until they have ended, or end them",
            )
        held.pop_all()
    return root


def _open_workspace(path: str) -> int:
    os.makedirs(path, exist_ok=True)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def make_private(given: tuple[InputFile, ...], scratch: str | None) -> str:
    """Make a command's private directory with the files it was given; raises ``SandboxError``. Blocks."""
    for one in given:
        if one.name in _OWN_NAMES or "/" in one.name or "\0" in one.name:
            raise SandboxError(f"{one.name!r} cannot name an input file")
    try:
        private = tempfile.mkdtemp(prefix="orket-", dir=scratch)
    except OSError as error:
        raise SandboxError(f"no private directory for a command: {error}") from error
    try:
        for name in ("home", "tmp"):
            os.mkdir(f"{private}/{name}", 0o700)
        for one in given:
            Path(private, one.name).write_bytes(one.content)
    except OSError as error:
        remove_private(private)
        raise SandboxError(f"no private directory for a command: {error}") from error
    return private


def _make_stdin(content: bytes, private: str, held: ExitStack) -> IO[bytes]:
    """An unnamed file with the input: no writer is needed, so a command that never reads blocks nobody."""
    file = tempfile.TemporaryFile(dir=private)  # noqa: SIM115  # closed with ``held``
    held.callback(file.close)
    file.write(content)
    file.seek(0)
    return file


def _is_there(private: str) -> bool:
    """Look without a thread: mostly there is nothing left to do."""
    return os.path.lexists(private)


def remove_private(private: str) -> None:
    """Delete what the launcher could not; a folder without permissions gets them first."""
    if not os.path.lexists(private):
        return
    for folder, names, _ in os.walk(private):
        for name in names:
            if not os.path.islink(path := f"{folder}/{name}"):
                os.chmod(path, 0o700)
    shutil.rmtree(private, ignore_errors=True)
