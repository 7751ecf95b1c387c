"""Level 2: each command in namespaces of its own, by bubblewrap; the default on Linux.

States, beside what level 0 states: no network, no file outside the workspace and the command's private places
can be written, of the system only programs and libraries can be read, other processes are invisible, a fork
limit that the kernel keeps, and no powers to regain. Does not state: memory beyond each process (the sum is
looked at 20 times a second), and the total of what is written into the workspace.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.identifiers import RunId
from orket.domain.sandboxes import Command, CommandEnd, InputFile, Limits, ProbeReport, SandboxSpec
from orket.infrastructure.sandboxes import seccomp
from orket.infrastructure.sandboxes.groups import MemoryGroups
from orket.infrastructure.sandboxes.jail import OWN, READ, WRITE
from orket.infrastructure.sandboxes.process import STATES as PROCESS_STATES
from orket.infrastructure.sandboxes.process import Jail, ProcessDriver, ProcessSandbox

TMP_BYTES = 256 * 1024 * 1024
STATES = (
    *(one for one in PROCESS_STATES if "processes per command" not in one),
    "limit of processes per command, kept by the kernel",
    "memory of all its processes together, looked at 20 times a second",
    "no network",
    "nothing outside the workspace can be written",
    "of the system only programs, libraries and the interpreter can be read",
    "other processes are invisible",
    "no powers over the host: another user, no capabilities, no further namespaces",
)
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "ssl/certs")
_OWN_ETC = Path(__file__).with_name("etc")
_INSIDE = "1000"
_REMEDY = "install bubblewrap 0.8 or later (apt-get install bubblewrap) and allow user namespaces"


class BubblewrapDriver(ProcessDriver):
    """The ``bubblewrap`` rung.

    Args:
        program: Path of ``bwrap``; by default it is looked up on the system's path.
        readable: Further folders that every command may read, such as a tool chain outside of ``/usr``.
        path: ``PATH`` of the commands; the default puts this interpreter's folder before the system's.
        scratch: Where the commands' private directories are made; the system's temporary folder by default.
        groups: Where control groups can be made that bound the memory of a command as a whole.
    """

    name = "bubblewrap"
    level = 2
    _as_another = True

    def __init__(
        self,
        *,
        program: str | None = None,
        readable: Sequence[str] = (),
        path: str | None = None,
        scratch: str | None = None,
        groups: MemoryGroups | None = None,
    ) -> None:
        super().__init__(path=path, scratch=scratch, groups=groups)
        self._program = program if program is not None else shutil.which("bwrap") or ""
        self._readable = outermost((*interpreter(), *readable))

    async def _probe(self) -> ProbeReport:
        """Try to read, to write and to call from inside what must be out of reach."""
        if sys.platform != "linux":
            return self._told("it needs Linux", "use Linux, or allow a weaker level by name")
        if not self._program:
            return self._told("there is no bwrap on the path", _REMEDY)
        if os.geteuid() == 0 and not seccomp.program(seccomp.machine()):
            why = (
                "for root's workspaces dangerous system calls must be refused, and their numbers are unknown"
            )
            return self._told(f"{why} on {seccomp.machine()}", "run the engine as an ordinary user")
        try:
            with tempfile.TemporaryDirectory(prefix="orket-probe-", dir=self._scratch) as folder:
                reason = await self._try_to_escape(folder)
        except (SandboxError, OSError) as error:
            return self._told(str(error), _REMEDY)
        return self._told(
            reason, "" if not reason else "this bubblewrap does not keep its word here: " + _REMEDY
        )

    async def open(self, spec: SandboxSpec) -> ProcessSandbox:
        """Open a sandbox; see the port for the errors.

        Raises:
            SandboxUnavailable: Also when the workspace holds what commands must not write.
        """
        await anyio.to_thread.run_sync(refuse_what_holds, spec.workspace, self._readable)
        return await super().open(spec)

    async def _try_to_escape(self, folder: str) -> str:
        outside = anyio.Path(folder, "outside")
        await outside.write_text("untouched")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            opened = await self.open(
                SandboxSpec(run_id=RunId("probe"), workspace=f"{folder}/work", levels=(self.name,))
            )
            try:
                told = await opened.run(_probe(str(outside), port))
            finally:
                await opened.close()
        if told.end is not CommandEnd.OK or told.stdout != b"kept\n":
            said = (told.stdout + told.stderr).decode("utf-8", "replace").strip()[-300:]
            return f"a trial command ended with {told.end} (exit code {told.exit_code}): {said}"
        untouched = await outside.read_text() == "untouched"
        return "" if untouched else "a trial command wrote outside its workspace"

    def _told(self, reason: str, remedy: str) -> ProbeReport:
        filtered = ("dangerous system calls refused",) if seccomp.program(seccomp.machine()) else ()
        return ProbeReport(
            driver=self.name,
            level=self.level,
            ok=not reason,
            states=(*STATES, *filtered),
            reason=reason,
            remedy=remedy,
        )

    def _jail_of(self, spec: SandboxSpec, *, overlaid: bool) -> Jail:
        inside = os.path.realpath(spec.workspace)
        system, workspace = system_places(self._readable), OWN if overlaid else WRITE

        def jail(private: str, environment: Mapping[str, str]) -> tuple[str, ...]:
            # The outer before the inner, or the outer would hide it. "." is wherever the workspace is now.
            places = sorted(
                [*system, (workspace, ".", inside), (WRITE, private, private)],
                key=lambda one: one[2].count("/"),
            )
            last = _last(inside, environment)
            return (
                self._program,
                str(len(_FIRST)),
                str(len(places)),
                *_FIRST,
                *(word for place in places for word in place),
                *last,
            )

        return jail


_FIRST = (
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--uid",
    _INSIDE,
    "--gid",
    _INSIDE,
    "--hostname",
    "sandbox",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--size",
    str(TMP_BYTES),
    "--tmpfs",
    "/dev/shm",
    "--size",
    str(TMP_BYTES),
    "--tmpfs",
    "/tmp",
)


def _last(inside: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    settings = (word for name, value in environment.items() for word in ("--setenv", name, value))
    return ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", inside, "--clearenv", *settings)


def refuse_what_holds(workspace: str, kept: Sequence[str]) -> None:
    """Refuse a workspace that holds the system, or something of ``kept``.

    Raises:
        SandboxUnavailable: It does.
    """
    inside = os.path.realpath(workspace)
    for one in (*SYSTEM, "/etc", "/proc", "/dev", *kept):
        if os.path.commonpath([inside, one]) == inside:
            raise SandboxUnavailable(
                f"workspace {workspace!r} holds {one}, which no command may write",
                remedy="name a directory for this run alone",
            )


def interpreter() -> tuple[str, ...]:
    """The folders of the interpreter: a virtual environment, and the installation beneath it."""
    program = os.path.dirname(os.path.realpath(sys.executable))
    return (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, os.path.dirname(program))


def outermost(folders: Sequence[str]) -> tuple[str, ...]:
    """Leave out what lies in another of them, or in the system's own."""
    found: list[str] = []
    for one in sorted({os.path.abspath(folder) for folder in folders}, key=len):
        if one != "/" and not any(_lies_in(one, outer) for outer in (*SYSTEM, *found)):
            found.append(one)
    return tuple(found)


def _lies_in(inner: str, outer: str) -> bool:
    return os.path.commonpath([inner, outer]) == outer


def system_places(readable: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Lay out what every command may read."""
    places = []
    for one in SYSTEM:
        if os.path.islink(one):
            places.append(("--symlink", os.readlink(one), one))
        elif os.path.isdir(one):
            places.append((READ, one, one))
    places += [(READ, f"/etc/{one}", f"/etc/{one}") for one in ETC if os.path.exists(f"/etc/{one}")]
    places += [(READ, str(_OWN_ETC / one), f"/etc/{one}") for one in ("passwd", "group")]
    return places + [(READ, one, one) for one in readable if os.path.isdir(one)]


def _probe(outside: str, port: int) -> Command:
    return Command(
        argv=("/bin/sh", "{private}/probe.sh", outside, str(port), str(os.getpid())),
        files=(InputFile(name="probe.sh", content=_PROBE.encode()),),
        limits=Limits(wall_s=10.0, cpu_s=10),
    )


# No interpreter but the shell, so that what is tried is the sandbox and nothing else. Each line is a way out.
_PROBE = """
fail() { echo "$1"; exit 1; }
[ "$(id -u)" != 0 ] || fail 'it runs as root'
(cat /etc/shadow || cat /proc/1/root/etc/shadow) >/dev/null 2>&1 && fail '/etc/shadow can be read'
echo x 2>/dev/null > "$1" # seen from outside
(echo x > /usr/orket-probe) 2>/dev/null && fail '/usr can be written'
(echo x > /etc/orket-probe) 2>/dev/null && fail '/etc can be written'
(echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && fail '/proc/sys can be written'
[ -d "/proc/$3/task" ] && [ "$3" -gt 100 ] && fail 'the engine can be seen'
tail -n +3 /proc/net/dev | grep -qv '^ *lo:' && fail 'there is a network'
touch here || fail 'the workspace cannot be written'
echo kept
"""
