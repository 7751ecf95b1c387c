"""Copies that share their blocks, on file systems that are made for the test in a file."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from orket.domain.identifiers import RunId
from orket.domain.sandboxes import SandboxSpec
from orket.domain.workspaces import Isolation, WorkspaceLevel
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.infrastructure.workspaces.state import state_of
from tests.contracts.sandbox_drivers import run

# ruff: noqa: ASYNC240  # short file calls; the loop may wait for them
pytestmark = pytest.mark.anyio
IMAGE_BYTES, CONTENT_BYTES, MEBI = 400 << 20, 24 << 20, 1 << 20
MAKERS = {
    "xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"),
    "btrfs": ("mkfs.btrfs", "-q"),
    "ext4": ("mkfs.ext4", "-q"),
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A file system of that kind, mounted, or the reason why there is none."""
    kind: str = request.param
    program, *options = MAKERS[kind]
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")
    image, folder = tmp_path / "image", tmp_path / "mounted"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run([program, *options, image], check=True, capture_output=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", image, folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"nothing may be mounted here: {mounted.stderr.strip()}")
    try:
        yield kind, folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def free_bytes(folder: Path) -> int:
    """What is free once everything of this file system is written."""
    subprocess.run(["sync", "--file-system", folder], check=True)
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


async def test_a_copy_shares_its_blocks_where_the_file_system_can(made: tuple[str, Path]) -> None:
    kind, folder = made
    project, workspace = folder / "project", folder / "work"
    project.mkdir()
    content = os.urandom(MEBI) * (CONTENT_BYTES // MEBI)
    (project / "large").write_bytes(content)
    Path(state_of(str(workspace))).mkdir(parents=True)
    Path(state_of(str(workspace)), "upper").write_text("in the way of an overlay")
    before = free_bytes(folder)
    spec = SandboxSpec(
        run_id=RunId("r"), workspace=str(workspace), levels=(), isolation=Isolation(project=str(project))
    )
    sandbox = await ProcessDriver().open(spec)
    try:
        shares = kind != "ext4"
        assert sandbox.terms.workspace == (WorkspaceLevel.REFLINK if shares else WorkspaceLevel.COPY)
        assert (before - free_bytes(folder) < 4 * MEBI) is shares
        assert (
            await run(sandbox, "sh", "-c", "cmp large ../project/large && echo more >> large")
        ).exit_code == 0
    finally:
        await sandbox.close()
    assert (project / "large").read_bytes() == content
    assert await anyio.Path(workspace / "large").read_bytes() == content + b"more\n"
