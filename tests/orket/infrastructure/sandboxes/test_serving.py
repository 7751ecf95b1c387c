"""Launchers that are forked ahead: used once, replaced when killed, gone with their sandbox or in time."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from orket.domain.errors import SandboxError
from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import CommandEnd
from orket.infrastructure.sandboxes import family, warm
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from orket.infrastructure.sandboxes.jail import USER_BASE
from orket.infrastructure.sandboxes.process import ProcessDriver
from tests.contracts.sandbox_drivers import Herald, carrying, opened, run, token, working

pytestmark = pytest.mark.anyio


async def launcher_of(sandbox: OpenSandbox) -> tuple[int, int]:
    """The launcher of a command, and the process that forks launchers."""
    told = await run(sandbox, "sh", "-c", "echo $PPID; grep PPid: /proc/$PPID/status | tr -dc 0-9")
    assert told.end is CommandEnd.OK
    launcher, process = map(int, told.stdout.split())
    return launcher, process


def spare_of(process: int) -> int:
    """Its one child that is left; all that had a command have ended."""
    (spare,) = [one for one in family.children_of(process) if family.parent_of(one)]
    return spare


def status_of(process: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


async def ended(process: int) -> None:
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        with anyio.fail_after(10):
            await anyio.wait_readable(handle)
    finally:
        os.close(handle)


async def thrice(sandbox: OpenSandbox) -> None:
    for _ in range(3):
        await run(sandbox, "true")


async def test_each_command_finds_a_launcher_that_was_forked_before(tmp_path: Path) -> None:
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        launcher, process = await launcher_of(sandbox)
        seen = {launcher}
        for _ in range(2):
            spare = spare_of(process)
            assert await launcher_of(sandbox) == (spare, process)
            seen.add(spare)
        assert len(seen) == 3
        last = spare_of(process)
    assert family.parent_of(last) == 0


async def test_one_that_is_killed_is_replaced(tmp_path: Path) -> None:
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        _, process = await launcher_of(sandbox)
        os.kill(spare := spare_of(process), signal.SIGKILL)
        await ended(spare)
        launcher, same = await launcher_of(sandbox)
        assert (launcher != spare, same) == (True, process)


async def test_one_that_is_not_needed_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = "import orket.infrastructure.sandboxes.serving as it; it.SPARE_S = 0.05; "
    head, rest = warm.BARE.split("from ", 1)
    monkeypatch.setattr(warm, "BARE", f"{head}{short}from {rest}")
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        _, process = await launcher_of(sandbox)
        for one in family.children_of(process):
            await ended(one)
        assert (await run(sandbox, "true")).end is CommandEnd.OK


ENGINE = """
import sys, anyio
from pathlib import Path
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from orket.infrastructure.sandboxes.process import ProcessDriver
from tests.contracts.sandbox_drivers import opened
from tests.orket.infrastructure.sandboxes.test_serving import run
async def main():
    driver = {"process": ProcessDriver, "bubblewrap": BubblewrapDriver}[sys.argv[1]]()
    async with opened(driver, Path(sys.argv[2])) as sandbox:
        await run(sandbox, "true")
        print("up", flush=True)
        await anyio.sleep_forever()
anyio.run(main)
"""


@pytest.mark.parametrize("kind", [ProcessDriver, BubblewrapDriver], ids=lambda kind: kind.name)
async def test_it_ends_with_an_engine_that_is_killed(tmp_path: Path, kind: type[SandboxDriver]) -> None:
    working(kind)
    argv = [sys.executable, "-c", ENGINE, kind.name, str(tmp_path / "work")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as engine:  # noqa: ASYNC220  # it takes a millisecond
        assert engine.stdout is not None
        assert await anyio.to_thread.run_sync(engine.stdout.readline) == "up\n"
        (process,) = [one for one in family.children_of(engine.pid) if family.parent_of(one)]
        spare = spare_of(process)
        engine.kill()
        await ended(spare)
        await ended(process)


async def test_what_hinders_one_from_being_made_ready_is_told_when_there_is_a_command(tmp_path: Path) -> None:
    working(BubblewrapDriver)
    readable = tmp_path / "tools"
    readable.mkdir()
    async with opened(BubblewrapDriver(readable=(str(readable),)), tmp_path / "work") as sandbox:
        assert (await run(sandbox, "ls", str(readable))).end is CommandEnd.OK
        readable.rmdir()
        with pytest.raises(SandboxError, match=r"could not be set up: .*tools"):
            await thrice(sandbox)  # one may have been ready before
        readable.mkdir()
        with suppress(SandboxError):  # and one may have been hindered before
            await run(sandbox, "true")
        assert (await run(sandbox, "ls", str(readable))).end is CommandEnd.OK


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives something up")
async def test_bubblewrap_and_all_in_it_have_given_up_root_for_ever(tmp_path: Path) -> None:
    driver: SandboxDriver = working(BubblewrapDriver)
    herald, word = Herald(tmp_path / "work"), token()
    async with opened(driver, tmp_path / "work") as sandbox, anyio.create_task_group() as group:
        await run(sandbox, "true")
        script = f"echo up > {herald.path}; sleep 60; : {word}"
        group.start_soon(run, sandbox, "sh", "-c", script)
        assert await herald.word() == "up"
        found = [status_of(one) for one in carrying(word)]
        assert len(found) >= 2
        for said in found:
            assert len({*said["Uid"], *said["Gid"]}) == 1
            assert int(said["Uid"][0]) >= USER_BASE
            assert said["Groups"] == []
        group.cancel_scope.cancel()
    assert not carrying(word)
