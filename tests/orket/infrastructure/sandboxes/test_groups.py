"""Memory of a command as a whole, kept by a control group: real ones, where we may make any."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orket.bootstrap.rungs import ladder
from orket.domain.errors import SandboxError
from orket.domain.sandboxes import CommandEnd, Limits
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from orket.infrastructure.sandboxes.groups import MemoryGroups, find_groups
from orket.infrastructure.sandboxes.landlock import LandlockDriver
from orket.infrastructure.sandboxes.process import MEMORY_STATE, NO_GROUP, ProcessDriver
from tests.contracts.sandbox_drivers import opened, run

# ruff: noqa: ASYNC240  # short file calls; the loop may wait for them
pytestmark = pytest.mark.anyio

MEBI = 1024 * 1024
LIMITS = Limits(wall_s=20.0, memory_bytes=96 * MEBI)
HOLD = f"import time; held = b'x' * ({60 * MEBI}); time.sleep(0.3)"
TOGETHER = (
    "sh",
    "-c",
    'for i in 1 2 3; do "$0" -c "$1" & done; wait %1 && wait %2 && wait %3',
    sys.executable,
    HOLD,
)
RESERVE = f"import mmap; mmap.mmap(-1, {1024 * MEBI}); print('reserved')"


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A control group of the test's own, or the reason why there is none."""
    for root in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        made = root / f"tests-{os.getpid()}"
        with suppress(OSError):
            made.mkdir()
            if MemoryGroups(str(made)).problem():
                made.rmdir()
                continue
            yield made
            made.rmdir()
            return
    pytest.skip("no control group with the memory controller may be divided here")


@pytest.fixture(params=[ProcessDriver, LandlockDriver, BubblewrapDriver], ids=lambda one: one.name)
async def driver(request: pytest.FixtureRequest, folder: Path) -> ProcessDriver:
    one: ProcessDriver = request.param(groups=MemoryGroups(str(folder)))
    if not (report := await one.probe()).ok:
        pytest.skip(report.reason)
    return one


async def test_the_memory_of_a_command_is_bounded_as_a_whole(
    driver: ProcessDriver, tmp_path: Path, folder: Path
) -> None:
    report = await driver.probe()
    assert MEMORY_STATE in report.states
    assert not any("address-space" in one for one in report.states)
    async with opened(driver, tmp_path / "work") as sandbox:
        assert sandbox.terms.memory == "cgroup"
        assert (await run(sandbox, *TOGETHER, limits=LIMITS)).end is CommandEnd.MEMORY
        told = await run(sandbox, sys.executable, "-c", RESERVE, limits=LIMITS)
        assert (told.end, told.stdout) == (CommandEnd.OK, b"reserved\n")
        assert (await run(sandbox, "sh", "-c", "exit 3", limits=LIMITS)).end is CommandEnd.NONZERO
    assert not list(folder.glob("orket-*"))


async def test_without_a_group_each_process_has_its_address_space(tmp_path: Path) -> None:
    async with opened(ProcessDriver(), tmp_path / "work") as sandbox:
        assert sandbox.terms.memory == "process"
        told = await run(sandbox, sys.executable, "-c", RESERVE, limits=LIMITS)
        assert told.end is not CommandEnd.OK


async def test_a_folder_that_is_none_fails_closed(tmp_path: Path) -> None:
    groups = MemoryGroups(str(tmp_path / "nothing"))
    assert "No such file" in groups.problem()
    report = await ProcessDriver(groups=groups).probe()
    assert not report.ok
    assert "no control group" in report.reason
    assert "hand a control group" in report.remedy
    with pytest.raises(SandboxError, match="no control group"):
        groups.open(MEBI)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit of systemd's as it is laid out with ``Delegate=memory`` and ``DelegateSubgroup=engine``."""
    unit = tmp_path / "groups" / "system.slice" / "orket@1.service"
    (unit / "engine").mkdir(parents=True)
    for name, content in (("procs", ""), ("controllers", "cpu memory pids\n"), ("subtree_control", "cpu\n")):
        (unit / f"cgroup.{name}").write_text(content)
    (tmp_path / "own").write_text("1:name=old:/x\n0::/system.slice/orket@1.service/engine\n")
    mounts = (
        f"20 1 0:20 /x /else rw - cgroup2 c rw\n30 24 0:26 / {tmp_path}/groups rw,nosuid - cgroup2 c rw\n"
    )
    (tmp_path / "mounts").write_text(mounts)
    try:
        os.setxattr(unit, "user.delegate", b"1")
    except OSError as error:
        pytest.skip(f"this folder takes no attributes: {error}")
    return unit


def looked_for(folder: Path) -> MemoryGroups | None:
    return find_groups(folder / "own", folder / "mounts")


def test_a_group_that_was_handed_over_is_found_and_divided(unit: Path, tmp_path: Path) -> None:
    found = looked_for(tmp_path)
    assert found is not None
    assert (str(found), found.found) == (str(unit), True)
    assert (unit / "cgroup.subtree_control").read_text() == "+memory"


@pytest.mark.parametrize("why", ["not handed over", "has processes", "no memory", "elsewhere", "version 1"])
def test_what_is_not_ours_is_left_alone(unit: Path, tmp_path: Path, why: str) -> None:
    match why:
        case "not handed over":
            os.setxattr(unit, "user.delegate", b"0")
            if os.geteuid() != 0:
                pytest.skip("its owner is this user")
        case "has processes":
            (unit / "cgroup.procs").write_text("7\n")
        case "no memory":
            (unit / "cgroup.controllers").write_text("cpu\n")
        case "elsewhere":
            (tmp_path / "mounts").write_text("20 1 0:20 / /nowhere rw - cgroup2 c rw\n")
        case _:
            (tmp_path / "own").write_text("4:memory:/x\n")
    assert looked_for(tmp_path) is None
    assert (unit / "cgroup.subtree_control").read_text() == "cpu\n"


async def test_one_that_was_found_and_is_no_good_is_said_and_not_used(unit: Path, tmp_path: Path) -> None:
    driver = ProcessDriver(groups=looked_for(tmp_path))
    (unit / "cgroup.procs").unlink()  # what is made here is no control group
    report = await driver.probe()
    assert report.ok
    assert any(one.startswith(NO_GROUP) for one in report.states)
    async with opened(driver, tmp_path / "work") as sandbox:
        assert sandbox.terms.memory == "process"


async def test_the_environment_names_the_folder(folder: Path) -> None:
    bounded = await ladder(environ={"ORKET_SANDBOX_CGROUP": str(folder)})[0].probe()
    assert MEMORY_STATE in bounded.states
    for plain in (ladder(), ladder(environ={"ORKET_SANDBOX_CGROUP": "none"})):
        assert MEMORY_STATE not in (await plain[0].probe()).states


def test_what_a_dead_engine_left_is_swept_up(folder: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, ours = folder / f"orket-{gone.pid}-1", folder / f"orket-{os.getpid()}-999"
    left.mkdir()
    ours.mkdir()
    try:
        assert MemoryGroups(str(folder)).problem() == ""
        assert not left.exists()
        assert ours.exists()
    finally:
        ours.rmdir()
