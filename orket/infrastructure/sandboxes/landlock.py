"""Level 1: each command gives up its rights over files and TCP before it begins, by landlock.

States, beside what level 0 states: nothing outside the workspace and the command's private places can be
written, of the system only programs, libraries and the interpreter can be read, no TCP (Linux 6.7), no
powers. Does not state: UDP, other local sockets, the view of other processes, a fork limit that binds root,
and what changes a file without opening it, such as its mode.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping

from orket.domain.errors import SandboxError
from orket.domain.identifiers import RunId
from orket.domain.sandboxes import Command, CommandEnd, Limits, ProbeReport, SandboxSpec
from orket.infrastructure.sandboxes import restrict
from orket.infrastructure.sandboxes.bubblewrap import ETC, SYSTEM, interpreter, outermost
from orket.infrastructure.sandboxes.groups import MemoryGroups
from orket.infrastructure.sandboxes.process import STATES as PROCESS_STATES
from orket.infrastructure.sandboxes.process import Jail, ProcessDriver

STATES = (
    *PROCESS_STATES,
    "nothing outside the workspace can be written",
    "of the system only programs, libraries and the interpreter can be read",
    "no capabilities, and none to gain",
)
TCP_SINCE, APART_SINCE = 4, 6
_USABLE = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_REMEDY = "use Linux 5.13 or later with landlock among its security modules, or allow another level by name"


class LandlockDriver(ProcessDriver):
    """The ``landlock`` rung.

    Args:
        path: ``PATH`` of the commands; the default puts this interpreter's folder before the system's.
        scratch: Where the commands' private directories are made; the system's temporary folder by default.
        groups: Where control groups can be made that bound the memory of a command as a whole.
        version: The landlock to go by, for tests; by default what the kernel offers.
    """

    name = "landlock"
    level = 1

    def __init__(
        self,
        *,
        path: str | None = None,
        scratch: str | None = None,
        groups: MemoryGroups | None = None,
        version: int | None = None,
    ) -> None:
        super().__init__(path=path, scratch=scratch, groups=groups)
        self._version = version
        self._readable = outermost(interpreter())

    async def _probe(self) -> ProbeReport:
        """Try to read, to write and to list from inside what must be out of reach."""
        if sys.platform != "linux":
            return self._told("it needs Linux")
        if not self._offered():
            return self._told("this kernel offers no landlock")
        try:
            with tempfile.TemporaryDirectory(prefix="orket-probe-", dir=self._scratch) as folder:
                return self._told(await self._try_to_escape(folder))
        except (SandboxError, OSError) as error:
            return self._told(str(error))

    async def _try_to_escape(self, folder: str) -> str:
        spec = SandboxSpec(run_id=RunId("probe"), workspace=f"{folder}/work", levels=(self.name,))
        opened = await self.open(spec)
        try:
            told = await opened.run(
                Command(argv=("/bin/sh", "-c", _PROBE, "sh", folder), limits=Limits(wall_s=10.0, cpu_s=10))
            )
        finally:
            await opened.close()
        if told.end is not CommandEnd.OK or told.stdout != b"kept\n":
            said = (told.stdout + told.stderr).decode("utf-8", "replace").strip()[-300:]
            return f"a trial command ended with {told.end} (exit code {told.exit_code}): {said}"
        return ""

    def _offered(self) -> int:
        return restrict.version() if self._version is None else self._version

    def _told(self, reason: str) -> ProbeReport:
        offered = self._offered() if sys.platform == "linux" else 0
        return ProbeReport(
            driver=self.name,
            level=self.level,
            ok=not reason,
            states=(
                *STATES,
                *(("no TCP",) if offered >= TCP_SINCE else ()),
                *(("no signals and abstract sockets out of it",) if offered >= APART_SINCE else ()),
            ),
            reason=reason,
            remedy=_REMEDY if reason else "",
        )

    def _jail_of(self, spec: SandboxSpec, *, overlaid: bool) -> Jail:
        readable = (*SYSTEM, *(f"/etc/{one}" for one in (*ETC, "passwd", "group")), "/proc", *self._readable)
        fixed = [(restrict.READ, one) for one in readable if os.path.exists(one)]
        fixed += [(restrict.USE, one) for one in _USABLE if os.path.exists(one)]

        def jail(private: str, environment: Mapping[str, str]) -> tuple[str, ...]:
            places = [*fixed, (restrict.WRITE, "."), (restrict.WRITE, private)]
            return (restrict.MARK, str(len(places)), *(word for place in places for word in place))

        return jail


# The shell's own tests and redirections, so that what is tried is the sandbox and nothing else.
_PROBE = """
fail() { echo "$1"; exit 1; }
(read line < /etc/shadow) 2>/dev/null && fail '/etc/shadow can be read'
(echo x > "$1/outside") 2>/dev/null && fail 'a file outside can be written'
(echo x > /usr/orket-probe) 2>/dev/null && fail '/usr can be written'
ls / >/dev/null 2>&1 && fail 'the root can be listed'
echo x > here || fail 'the workspace cannot be written'
echo kept
"""
