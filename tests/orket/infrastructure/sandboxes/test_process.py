"""What is particular to the process driver: its launcher, its private places, its honest probe."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.identifiers import RunId
from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import CommandEnd, Limits, SandboxSpec
from orket.infrastructure.sandboxes import launching
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.infrastructure.sandboxes.sweeping import home_of, sweep
from tests.contracts.sandbox_drivers import Herald, carrying, opened, run, token

pytestmark = pytest.mark.anyio


def spec(workspace: Path) -> SandboxSpec:
    return SandboxSpec(run_id=RunId("r1"), workspace=str(workspace), levels=("process",))


def test_it_is_a_driver() -> None:
    driver: SandboxDriver = ProcessDriver()
    assert (driver.name, driver.level) == ("process", 0)


async def test_a_probe_says_what_failed(tmp_path: Path) -> None:
    report = await ProcessDriver(scratch=str(tmp_path / "missing")).probe()
    assert not report.ok
    assert "missing" in report.reason
    assert report.remedy


async def test_a_workspace_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for workspace in (tmp_path / "file", tmp_path / "file" / "below", Path("a\0b")):
        with pytest.raises(SandboxUnavailable) as caught:
            await ProcessDriver().open(spec(workspace))
        assert caught.value.remedy


async def test_without_room_for_private_files_nothing_is_started(tmp_path: Path) -> None:
    driver = ProcessDriver(scratch=str(tmp_path / "missing"))
    async with opened(driver, tmp_path / "work") as sandbox:
        with pytest.raises(SandboxError, match="private directory"):
            await run(sandbox, "true")


async def test_private_places_are_private_and_removed_with_what_is_in_them(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    async with opened(ProcessDriver(scratch=str(scratch)), tmp_path / "work") as sandbox:
        script = (
            'stat -c %a {private} "$HOME"; cd "$HOME"; mkdir -p a/b; chmod -R 0 a; ln -s / "$TMPDIR/root"'
        )
        told = await run(sandbox, "sh", "-c", script)
        assert told.stdout == b"700\n700\n"
        assert list(scratch.iterdir()) == []


async def test_the_search_path_is_the_drivers_own(tmp_path: Path) -> None:
    async with opened(ProcessDriver(path="/usr/bin:/bin"), tmp_path) as sandbox:
        assert (await run(sandbox, "sh", "-c", 'printf %s "$PATH"')).stdout == b"/usr/bin:/bin"
    async with opened(ProcessDriver(), tmp_path) as sandbox:
        told = await run(sandbox, "python3", "-c", "import sys; print(sys.prefix)")
        assert told.stdout.decode().strip() == sys.prefix


async def test_a_workspace_that_moves_is_still_the_workspace(tmp_path: Path) -> None:
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        (tmp_path / "work").rename(tmp_path / "moved")
        (tmp_path / "work").mkdir()
        await sandbox.write("x", b"1")
        assert (await run(sandbox, "ls")).stdout == b"x\n"
    assert (tmp_path / "moved" / "x").exists()


async def test_files_are_replaced_by_rename(tmp_path: Path) -> None:
    """A reader of the old file keeps reading the old content, and no half-written file is ever seen."""
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        await sandbox.write("x", b"old")
        with (tmp_path / "work" / "x").open("rb") as reader:
            await sandbox.write("x", b"new")
            assert reader.read() == b"old"
        assert stat.S_IMODE((tmp_path / "work" / "x").stat().st_mode) == 0o644
        assert await sandbox.entries(".") == ("x",)


async def test_a_launcher_that_is_stopped_is_killed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command stops its launcher, so that no limit is kept any more: the driver's own patience ends it."""
    monkeypatch.setattr(launching, "GRACE_S", 0.2)
    word = token()
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        script = f"setsid sh -c 'sleep 300; : {word}' & kill -STOP $PPID; sleep 300; : {word}"
        told = await run(sandbox, "sh", "-c", script, limits=Limits(wall_s=0.2))
        assert told.end is CommandEnd.NONZERO
        assert not carrying(word)


async def test_a_command_that_kills_the_warm_launcher_ends_by_itself_and_the_next_gets_another(
    tmp_path: Path,
) -> None:
    script = "kill -9 $(grep PPid /proc/$PPID/status | tr -dc 0-9); echo alive"
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        for _ in range(3):
            told = await run(sandbox, "sh", "-c", script)
            assert (told.end, told.stdout) == (CommandEnd.OK, b"alive\n")


async def test_cancelling_during_preparation_leaves_nothing(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    async with opened(ProcessDriver(scratch=str(scratch)), tmp_path / "work") as sandbox:
        for _ in range(5):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await run(sandbox, "true")
            assert scope.cancelled_caught
        assert list(scratch.iterdir()) == []
        assert (await run(sandbox, "true")).end is CommandEnd.OK


async def test_no_descriptor_leaks(tmp_path: Path) -> None:
    async def once(sandbox: OpenSandbox) -> None:
        await run(sandbox, "true", stdin=b"x")
        await run(sandbox, "no-such-program")
        await run(sandbox, "sleep", "60", limits=Limits(wall_s=0.1))
        await sandbox.write("x", b"")
        await sandbox.read("x", bytes_max=1)

    async with opened(ProcessDriver(), tmp_path) as sandbox:
        await once(sandbox)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            await once(sandbox)
        assert len(os.listdir("/proc/self/fd")) == before


async def test_sweeping_finds_processes_by_their_private_home(tmp_path: Path) -> None:
    herald, private = Herald(tmp_path), str(tmp_path)
    with subprocess.Popen(  # noqa: ASYNC220  # starting takes a millisecond
        ["/bin/sh", "-c", f"echo up > {herald.path}; exec sleep 300"], env={"HOME": home_of(private)}
    ) as other:
        await herald.word()
        assert await anyio.to_thread.run_sync(sweep, str(tmp_path / "nobody"))
        assert other.poll() is None
        # Killed and not yet collected, it is a zombie and has no environment any more.
        assert await anyio.to_thread.run_sync(sweep, private)
        assert other.wait() == -9
