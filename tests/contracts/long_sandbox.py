"""The slow ways out of a sandbox; run by the long suites, by the name of this file."""

from pathlib import Path

import pytest

from orket.domain.ports import SandboxDriver
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from orket.infrastructure.sandboxes.landlock import LandlockDriver
from tests.contracts.breakouts import against, world
from tests.contracts.escapes import ATTEMPTS
from tests.contracts.sandbox_drivers import DRIVERS, working


@pytest.mark.anyio
@pytest.mark.parametrize("kind", DRIVERS, ids=[kind.name for kind in DRIVERS])
async def test_each_way_out_ends_as_stated(
    kind: type[SandboxDriver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_SECRET", "hunter2")
    driver = working(kind)
    with world(tmp_path) as outside:
        assert await against(ATTEMPTS, driver, outside, tmp_path) == {}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [LandlockDriver, BubblewrapDriver], ids=lambda kind: kind.name)
async def test_a_view_of_a_project_keeps_as_much(
    kind: type[SandboxDriver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_SECRET", "hunter2")
    driver = working(kind)
    with world(tmp_path) as outside:
        assert await against(ATTEMPTS, driver, outside, tmp_path, overlaid=True) == {}
