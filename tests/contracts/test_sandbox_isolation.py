"""Every sandbox driver over a view of a project: what is written stays apart, and is all found again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orket.domain.errors import SandboxUnavailable, ToolError
from orket.domain.identifiers import RunId
from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import CommandEnd, SandboxSpec
from orket.domain.workspaces import Isolation, Place
from orket.infrastructure.workspaces.port import FileWorkspaces
from orket.infrastructure.workspaces.state import state_of
from tests.contracts.sandbox_drivers import DRIVERS, by_podman, run, working

# ruff: noqa: ASYNC240  # short file calls; the loop may wait for them
pytestmark = pytest.mark.anyio

WORK = """
set -e
test "$(cat kept)" = kept
test ! -e secrets
echo more >> grown
rm -r gone
rm -r replaced && mkdir replaced && echo new > replaced/new
mkdir -p deep/er && echo x > deep/er/x
ln -s kept link
chmod 755 script
mv moved elsewhere
"""
WORDS = {
    "deep": "added",
    "deep/er": "added",
    "deep/er/x": "added",
    "elsewhere": "added",
    "gone": "removed",
    "gone/a": "removed",
    "gone/sub": "removed",
    "gone/sub/b": "removed",
    "grown": "changed",
    "link": "added",
    "moved": "removed",
    "replaced/new": "added",
    "replaced/old": "removed",
    "script": "mode",
    "tool": "added",
    "tool/made": "added",
}


@pytest.fixture(params=DRIVERS, ids=lambda one: one.name)
def driver(request: pytest.FixtureRequest) -> SandboxDriver:
    return working(request.param)


@pytest.fixture
def project(driver: SandboxDriver, tmp_path: Path) -> Path:
    # Signs that mean something in the options of a mount; podman refuses them.
    project = tmp_path / ("project" if by_podman(driver) else "pro,ject: a")
    for name in ("kept", "grown", "moved", "script", "gone/a", "gone/sub/b", "replaced/old", "secrets/key"):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name.rpartition("/")[2])
        file.chmod(0o644)
    return project


def spec(driver: SandboxDriver, project: Path) -> SandboxSpec:
    return SandboxSpec(
        run_id=RunId("r1"),
        workspace=str(project / "secrets/work"),
        levels=(driver.name,),
        isolation=Isolation(project=str(project), hidden=("secrets",)),
    )


@asynccontextmanager
async def opened(driver: SandboxDriver, project: Path) -> AsyncIterator[OpenSandbox]:
    sandbox = await driver.open(spec(driver, project))
    try:
        yield sandbox
    finally:
        await sandbox.close()


def tree(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and "secrets/work" not in str(path)
    }


@pytest.mark.parametrize("kept", ["overlay if it can be had", "copy"])
async def test_what_a_run_writes_stays_apart_from_its_project(
    driver: SandboxDriver, project: Path, kept: str
) -> None:
    asked = spec(driver, project)
    if kept == "copy":
        Path(state_of(asked.workspace)).mkdir(parents=True)
        Path(state_of(asked.workspace), "upper").write_text("in the way of an overlay")
    before = tree(project)
    async with opened(driver, project) as sandbox:
        level = sandbox.terms.workspace
        told = await run(sandbox, "sh", "-c", WORK)
        assert told.end is CommandEnd.OK, told.stderr
        await sandbox.write("tool/made", b"by a tool")
        assert (await sandbox.entries("replaced")) == ("new",)
        with pytest.raises(ToolError, match="No such file"):
            await sandbox.read("gone/a", bytes_max=10)
    assert tree(project) == before
    async with opened(driver, project) as sandbox:  # as after a restart
        assert sandbox.terms.workspace == level
        told = await run(sandbox, "cat", "tool/made", "grown", "elsewhere")
        assert told.stdout == b"by a toolgrownmore\nmoved"
        assert await sandbox.read("replaced/new", bytes_max=10) == b"new\n"
    if kept == "copy":
        assert level in ("copy", "reflink")
    assert asked.isolation is not None
    place = Place(workspace=asked.workspace, isolation=asked.isolation)
    found = await FileWorkspaces().changes(place)
    assert {one.path: one.word for one in found.changes} == WORDS
    assert found.clashes == ()
    plan = await FileWorkspaces().plan(place, 1)
    await FileWorkspaces().apply(place, 1, plan.name)
    assert (project / "grown").read_text() == "grownmore\n"
    assert (project / "secrets/key").read_text() == "key"
    assert not (project / "gone").exists()
    assert (project / "script").stat().st_mode & 0o777 == 0o755
    assert (project / "tool/made").stat().st_uid == project.stat().st_uid
    assert (await FileWorkspaces().changes(place)).changes == ()
    await FileWorkspaces().take_back(place, 1, plan.name)
    assert tree(project) == before


async def test_two_sandboxes_over_one_project_do_not_see_each_other(
    driver: SandboxDriver, project: Path, tmp_path: Path
) -> None:
    first = spec(driver, project)
    other = SandboxSpec(
        run_id=RunId("r2"),
        workspace=str(tmp_path / "other"),
        levels=first.levels,
        isolation=first.isolation,
    )
    one, two = await driver.open(first), await driver.open(other)
    try:
        await one.write("kept", b"one")
        assert (await run(two, "cat", "kept")).stdout == b"kept"
    finally:
        await one.close()
        await two.close()


async def test_a_launcher_that_was_killed_shows_the_same_again(driver: SandboxDriver, project: Path) -> None:
    async with opened(driver, project) as sandbox:
        await sandbox.write("kept", b"changed")
        if driver.level == 0:  # elsewhere it cannot be reached
            await run(sandbox, "sh", "-c", "kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)")
        assert (await run(sandbox, "cat", "kept")).stdout == b"changed"
        assert await sandbox.read("kept", bytes_max=10) == b"changed"


async def test_a_project_that_is_gone_is_said_to_be(driver: SandboxDriver, tmp_path: Path) -> None:
    asked = SandboxSpec(
        run_id=RunId("r1"),
        workspace=str(tmp_path / "work"),
        levels=(driver.name,),
        isolation=Isolation(project=str(tmp_path / "nothing")),
    )
    with pytest.raises(SandboxUnavailable, match="cannot be read"):
        await driver.open(asked)
