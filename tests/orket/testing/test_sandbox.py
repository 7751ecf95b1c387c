"""The simulated sandbox behaves like a sandbox."""

from __future__ import annotations

from collections.abc import Awaitable

import anyio
import attrs
import pytest

from actors.testing import Faults, Schedule, Simulation, World, simulate
from actors.testing._schedule import Backend
from actors.testing._simulate import run_program
from orket.domain.errors import ToolError
from orket.domain.identifiers import RunId
from orket.domain.ports import OpenSandbox
from orket.domain.sandboxes import Command, CommandEnd, Limits, SandboxSpec
from orket.testing import Shell, SimulatedSandbox

SPEC = SandboxSpec(run_id=RunId("00000001"), workspace="/w", levels=("simulated",))


async def echo(shell: Shell) -> str:
    await anyio.sleep(1)
    shell.files["said"] = b"x"
    return shell.command.stdin.decode()


async def fail(shell: Shell) -> int:
    await anyio.lowlevel.checkpoint()
    return 3


async def opened() -> OpenSandbox:
    return await SimulatedSandbox({"echo": echo, "fail": fail}).open(SPEC)


async def code(action: Awaitable[object]) -> str:
    with pytest.raises(ToolError) as caught:
        await action
    return caught.value.code


@simulate(schedules=2)
async def test_files(sim: Simulation) -> None:
    box = await opened()
    await box.write("a/b.txt", b"123")
    await box.write("./c.txt", b"")
    assert await box.read("a/../a/b.txt", bytes_max=3) == b"123"
    assert await box.entries(".") == ("a/", "c.txt")
    assert await box.entries("a") == ("b.txt",)
    assert await code(box.read("a/b.txt", bytes_max=2)) == "too_large"
    assert await code(box.read("a", bytes_max=2)) == "not_a_file"
    assert await code(box.read("d", bytes_max=2)) == "not_found"
    assert await code(box.read("../d", bytes_max=2)) == "outside_workspace"
    assert await code(box.write("/d", b"")) == "outside_workspace"
    assert await code(box.write("a", b"")) == "not_a_file"
    assert await code(box.write("c.txt/d", b"")) == "not_a_file"
    assert await code(box.entries("c.txt")) == "not_a_folder"
    assert await code(box.entries("d")) == "not_found"


@simulate(schedules=2)
async def test_commands(sim: Simulation) -> None:
    box = await opened()
    said = await box.run(Command(argv=("echo",), stdin=b"hello", limits=Limits(output_bytes=4)))
    assert (said.end, said.stdout, said.truncated, said.duration_ms) == (CommandEnd.OK, b"hell", True, 1000)
    failed = await box.run(Command(argv=("fail",)))
    assert (failed.end, failed.exit_code) == (CommandEnd.NONZERO, 3)
    assert (await box.run(Command(argv=("what",)))).exit_code == 127
    late = await box.run(Command(argv=("echo",), limits=Limits(wall_s=0.5)))
    assert late.end is CommandEnd.TIMEOUT


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_was_done_stands_when_a_command_is_cut_off(backend: Backend) -> None:
    async def program(sim: Simulation) -> tuple[dict[str, bytes], bool, float]:
        sandbox = SimulatedSandbox({"echo": echo})
        sandbox.enter(sim)
        box = await sandbox.open(SPEC)
        with anyio.move_on_after(0.5):
            await box.run(Command(argv=("echo",)))
        await box.close()
        again = await sandbox.open(attrs.evolve(SPEC, run_id=RunId("00000002")))
        await again.write("more", b"")
        return dict(sandbox.workspaces["/w"]), sandbox.started[0].ended, sim.now

    ran = run_program(program, World(Schedule(), backend=backend), own_system=True)
    assert ran.value == ({"more": b""}, False, 0.5)
    slow = World(Schedule(2), Faults(delay=["sandbox"], rate=1.0), backend)
    assert run_program(program, slow, own_system=True).value[2] > 0.5
