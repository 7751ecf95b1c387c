"""What is particular to landlock: what a kernel without it is told to be."""

from pathlib import Path

import pytest

from orket.domain.sandboxes import CommandEnd
from orket.infrastructure.sandboxes.landlock import LandlockDriver
from tests.contracts.sandbox_drivers import opened, run, working

pytestmark = pytest.mark.anyio


async def test_a_kernel_without_it_is_refused_with_reason_and_remedy() -> None:
    report = await LandlockDriver(version=0).probe()
    assert (report.ok, report.reason) == (False, "this kernel offers no landlock")
    assert "5.13" in report.remedy


def test_what_is_stated_depends_on_the_kernel() -> None:
    old, new = LandlockDriver(version=1)._told(""), LandlockDriver(version=6)._told("")
    assert "no TCP" not in old.states
    assert {"no TCP", "no signals and abstract sockets out of it"} <= set(new.states)


async def test_no_capability_is_left(tmp_path: Path) -> None:
    async with opened(working(LandlockDriver), tmp_path / "work") as sandbox:
        told = await run(sandbox, "sh", "-c", "grep -E 'Cap(Eff|Prm|Bnd)' /proc/self/status")
    assert told.end is CommandEnd.OK
    assert {line.split()[1].strip(b"0") for line in told.stdout.splitlines()} == {b""}
