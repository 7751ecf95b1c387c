"""A sandbox of memory: files are a dictionary, programs are async functions, time is virtual."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import msgspec

from actors.testing import Simulation, port_faults
from orket.domain.errors import ToolError
from orket.domain.ports import OpenSandbox
from orket.domain.sandboxes import Command, CommandEnd, CommandResult, ProbeReport, SandboxSpec, Terms
from orket.testing.workloads import LEVEL

Files = dict[str, bytes]
NOT_FOUND = 127
SCENARIOS = "scenarios.json"


@attrs.frozen(kw_only=True)
class Shell:
    """What a simulated program gets: its command and the files of its workspace, which it may change."""

    command: Command
    files: Files


#: Prints what it returns; an int is its exit code. Raising ``SandboxError`` is the sandbox's own failure.
Program = Callable[[Shell], Awaitable[str | int]]
#: Given a scenario's id, its input and the files: what the code under verification returns.
Verified = Callable[[str, Any, Files], object]


@attrs.define(eq=False)
class Started:
    """One command that was started, in the order of the run; ``ended`` once it came to its end."""

    workspace: str
    argv: tuple[str, ...]
    ended: bool = False


class SimulatedSandbox:
    """A rung of the sandbox ladder, named ``simulated``, whose workspaces outlive their sandboxes.

    ``Faults(delay=["sandbox"])`` lets commands and file accesses take up to ten virtual seconds longer. A
    command that is ended early is cut off at an await of its program, and what it did until then stands.

    Args:
        programs: What can be run, by the first word of the command; anything else ends with exit code 127.
        verified: Answers the scenarios of a card's verification; without it they fail.

    Attributes:
        workspaces: The files of each workspace, by its path.
        started: Every command that was started.
    """

    name = LEVEL
    level = 0

    def __init__(
        self, programs: Mapping[str, Program] | None = None, *, verified: Verified | None = None
    ) -> None:
        self._programs, self._verified = dict(programs or {}), verified
        self.workspaces: dict[str, Files] = {}
        self.started: list[Started] = []
        self._machine: _Machine = _Machine(self)

    def enter(self, sim: Simulation) -> None:
        """Let the simulation's faults happen in it."""
        self._machine = sim.fragile(_Machine(self), "sandbox")

    async def probe(self) -> ProbeReport:
        """Report that it works."""
        await anyio.lowlevel.checkpoint()
        return ProbeReport(driver=self.name, level=self.level, ok=True, states=("everything is in memory",))

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        """Open a sandbox over a workspace, which is made if it does not exist."""
        await anyio.lowlevel.checkpoint()
        self.workspaces.setdefault(spec.workspace, {})
        return _OpenSandbox(self._machine, spec.workspace)

    def program(self, command: Command) -> Program:
        """Find what a command runs."""
        given = {one.name: one.content for one in command.files}
        if SCENARIOS in given and self._verified is not None:
            return _verification(given[SCENARIOS], self._verified)
        return self._programs.get(command.argv[0], _unknown)


class _OpenSandbox:
    """An open sandbox; see ``orket.domain.ports.OpenSandbox``."""

    def __init__(self, machine: _Machine, workspace: str) -> None:
        self._machine, self._workspace = machine, workspace

    @property
    def terms(self) -> Terms:
        return Terms()

    async def run(self, command: Command) -> CommandResult:
        return await self._machine.run(self._workspace, command)

    async def read(self, path: str, *, bytes_max: int) -> bytes:
        return await self._machine.read(self._workspace, path, bytes_max)

    async def write(self, path: str, content: bytes) -> None:
        await self._machine.write(self._workspace, path, content)

    async def entries(self, path: str) -> tuple[str, ...]:
        return await self._machine.entries(self._workspace, path)

    async def close(self) -> None:
        """Leave the files as they are."""
        await anyio.lowlevel.checkpoint()


class _Machine:
    """Where everything happens; one for all sandboxes, so that each of its calls is counted once."""

    def __init__(self, house: SimulatedSandbox) -> None:
        self._house = house

    @port_faults("delay")
    async def run(self, workspace: str, command: Command) -> CommandResult:
        started = Started(workspace=workspace, argv=command.argv)
        self._house.started.append(started)
        shell = Shell(command=command, files=self._house.workspaces[workspace])
        began, said = anyio.current_time(), None
        with anyio.move_on_after(command.limits.wall_s):
            said = await self._house.program(command)(shell)
        started.ended = True
        took_ms = round((anyio.current_time() - began) * 1000)
        return _result(said, command.limits.output_bytes, took_ms)

    @port_faults("delay")
    async def read(self, workspace: str, path: str, bytes_max: int) -> bytes:
        await anyio.lowlevel.checkpoint()
        files, key = self._house.workspaces[workspace], _inside(path)
        if key not in files:
            code = "not_a_file" if _is_folder(files, key) else "not_found"
            raise ToolError(f"{path}: there is no such file", code=code)
        if len(files[key]) > bytes_max:
            raise ToolError(f"{path}: more than {bytes_max} bytes", code="too_large")
        return files[key]

    @port_faults("delay")
    async def write(self, workspace: str, path: str, content: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        files, key = self._house.workspaces[workspace], _inside(path)
        above = key.split("/")[:-1]
        if _is_folder(files, key) or any("/".join(above[: at + 1]) in files for at in range(len(above))):
            raise ToolError(f"{path}: a folder, or below a file", code="not_a_file")
        files[key] = content

    @port_faults("delay")
    async def entries(self, workspace: str, path: str) -> tuple[str, ...]:
        await anyio.lowlevel.checkpoint()
        files, key = self._house.workspaces[workspace], _inside(path)
        if key in files:
            raise ToolError(f"{path}: a file", code="not_a_folder")
        if not _is_folder(files, key):
            raise ToolError(f"{path}: there is no such folder", code="not_found")
        below = f"{key}/" if key else ""
        found = {one[len(below) :] for one in files if one.startswith(below)}
        return tuple(sorted({head + slash for head, slash, _ in (one.partition("/") for one in found)}))


def _is_folder(files: Files, key: str) -> bool:
    return not key or any(one.startswith(f"{key}/") for one in files)


def _inside(path: str) -> str:
    """Name a file within the workspace, without detours.

    Raises:
        ToolError: ``outside_workspace``.
    """
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == ".." or path.startswith("/"):
            raise ToolError(f"{path}: not in the workspace", code="outside_workspace")
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _result(said: str | int | None, output_bytes: int, took_ms: int) -> CommandResult:
    if said is None:
        return CommandResult(
            end=CommandEnd.TIMEOUT, exit_code=-9, stdout=b"", stderr=b"", duration_ms=took_ms
        )
    code = said if isinstance(said, int) else 0
    text = said.encode() if isinstance(said, str) else b""
    return CommandResult(
        end=CommandEnd.OK if code == 0 else CommandEnd.NONZERO,
        exit_code=code,
        stdout=text[:output_bytes],
        stderr=b"",
        duration_ms=took_ms,
        truncated=len(text) > output_bytes,
    )


async def _unknown(shell: Shell) -> int:
    await anyio.lowlevel.checkpoint()
    return NOT_FOUND


class _Scenario(msgspec.Struct):
    """One scenario, as the verification lays it into the sandbox."""

    id: str
    input: Any


class _Scenarios(msgspec.Struct):
    """All of them, and the word under which answers count."""

    token: str
    scenarios: list[_Scenario]


def _verification(content: bytes, verified: Verified) -> Program:
    """Answer as the program that carries out verifications does."""
    given = msgspec.json.decode(content, type=_Scenarios)

    async def run(shell: Shell) -> str:
        await anyio.lowlevel.checkpoint()
        results = [
            {"id": one.id, "value": json.dumps(verified(one.id, one.input, shell.files))}
            for one in given.scenarios
        ]
        return f"{given.token} {json.dumps({'results': results})}\n"

    return run
