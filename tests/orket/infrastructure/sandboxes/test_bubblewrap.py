"""What is particular to bubblewrap: it fails closed, and workspaces keep their owner."""

import os
import stat
import sys
from pathlib import Path

import pytest

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.identifiers import RunId
from orket.domain.sandboxes import CommandEnd, SandboxSpec
from orket.infrastructure.sandboxes import seccomp
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver, outermost
from orket.services.sandbox import choose_driver
from tests.contracts.sandbox_drivers import opened, run, working

pytestmark = pytest.mark.anyio


def fake(folder: Path, script: str) -> str:
    """A program that is called as bubblewrap would be."""
    path = folder / "bwrap"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    folder.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions to create"),
        ("exit 0", "ended early"),
        ("kill -9 $$", "could not be set up|trial command"),
    ],
)
async def test_what_does_not_keep_its_word_is_refused_with_reason_and_remedy(
    tmp_path: Path, script: str, reason: str
) -> None:
    driver = BubblewrapDriver(program=fake(tmp_path, script))
    report = await driver.probe()
    assert not report.ok
    assert report.remedy
    with pytest.raises(SandboxUnavailable, match="bubblewrap: "):
        await choose_driver([driver], ["bubblewrap"])
    assert report.reason


async def test_without_the_program_it_says_what_to_install() -> None:
    report = await BubblewrapDriver(program="").probe()
    assert (report.ok, report.reason) == (False, "there is no bwrap on the path")
    assert "apt-get install bubblewrap" in report.remedy


async def test_a_set_up_that_fails_is_never_the_commands_failure(tmp_path: Path) -> None:
    driver = BubblewrapDriver(program=fake(tmp_path, "echo 'bwrap: broken' >&2; exit 1"))
    async with opened(driver, tmp_path / "work") as sandbox:
        with pytest.raises(SandboxError, match="could not be set up: bwrap: broken"):
            await run(sandbox, "true")


@pytest.mark.parametrize("workspace", ["/", "/usr", sys.prefix])
async def test_a_workspace_that_holds_the_system_is_refused(workspace: str) -> None:
    with pytest.raises(SandboxUnavailable, match="which no command may write"):
        await BubblewrapDriver().open(SandboxSpec(run_id=RunId("r"), workspace=workspace, levels=()))


async def test_files_belong_to_the_engine_on_both_sides(tmp_path: Path) -> None:
    """The command owns what it finds and makes; on the disk it is all the engine's, as before."""
    async with opened(working(BubblewrapDriver), tmp_path / "work") as sandbox:
        await sandbox.write("given", b"1")
        told = await run(
            sandbox, "sh", "-c", "echo 2 > given; mkdir d; echo 3 > d/made; stat -c %u . given d/made"
        )
        assert told.end is CommandEnd.OK
        assert set(told.stdout.split()) == {b"1000"}
        assert await sandbox.read("d/made", bytes_max=9) == b"3\n"
        await sandbox.write("d/made", b"4")
        assert (await run(sandbox, "cat", "d/made", "given")).stdout == b"42\n"
    for path in (tmp_path / "work").rglob("*"):
        assert path.stat().st_uid == os.geteuid()
        assert not stat.S_IMODE(path.stat().st_mode) & 0o6000


async def test_the_fork_limit_is_the_kernels(tmp_path: Path) -> None:
    async with opened(working(BubblewrapDriver), tmp_path / "work") as sandbox:
        told = await run(
            sandbox, sys.executable, "-c", "import resource as r; print(r.getrlimit(r.RLIMIT_NPROC))"
        )
    soft, hard = eval(told.stdout)  # two numbers that this test asked for
    assert soft == hard == 256 + 2 + 16


async def test_the_machines_other_folders_can_be_opened_to_commands(tmp_path: Path) -> None:
    chain = tmp_path / "chain"
    chain.mkdir()
    (chain / "tool").write_text("hello")
    working(BubblewrapDriver)
    async with opened(BubblewrapDriver(readable=(str(chain),)), tmp_path / "work") as sandbox:
        assert (await run(sandbox, "cat", str(chain / "tool"))).stdout == b"hello"
        assert (await run(sandbox, "sh", "-c", f"echo x > {chain}/tool")).end is CommandEnd.NONZERO


def test_folders_within_others_are_left_out() -> None:
    assert outermost(["/opt/a/b", "/opt/a", "/usr/lib/x", "/", "/srv"]) == ("/srv", "/opt/a")


def test_the_list_of_calls_is_a_whole_number_of_instructions_the_kernel_takes() -> None:
    for kind in ("x86_64", "aarch64"):
        assert len(seccomp.program(kind)) % 8 == 0
        assert 0 < len(seccomp.program(kind)) // 8 < 4096
    assert seccomp.program("vax") == b""
