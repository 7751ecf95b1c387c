"""A workspace in which a dead engine's launcher still works is not opened before that has ended."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from orket.domain.errors import SandboxUnavailable
from orket.domain.identifiers import RunId
from orket.domain.sandboxes import Command, SandboxSpec
from orket.infrastructure.sandboxes import claims
from orket.infrastructure.sandboxes.process import ProcessDriver

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


async def test_a_free_workspace_is_opened_at_once(folder: int) -> None:
    assert await claims.unclaimed(folder)


async def test_opening_waits_until_the_claim_is_dropped(folder: int) -> None:
    held = claims.claim(folder)
    done = anyio.Event()

    async def wait() -> None:
        assert await claims.unclaimed(folder)
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert not done.is_set()
        os.close(held)
    assert done.is_set()


async def test_what_does_not_end_is_said(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "WAIT_S", 0.02)
    held = claims.claim(folder)
    with pytest.raises(SandboxUnavailable, match="commands are under way"):
        await ProcessDriver().open(SandboxSpec(run_id=RunId("r"), workspace=str(tmp_path), levels=()))
    os.close(held)


async def test_a_launcher_holds_a_claim_and_its_command_does_not(tmp_path: Path, folder: int) -> None:
    """A process that the command leaves behind cannot keep the workspace, and is ended anyway."""
    opened = await ProcessDriver().open(SandboxSpec(run_id=RunId("r"), workspace=str(tmp_path), levels=()))
    script = (
        "import fcntl, os\n"
        "print(sorted(map(int, os.listdir('/proc/self/fd')))[:3])\n"
        "own = os.open('.', os.O_RDONLY)\n"
        "try:\n    fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError:\n    print('claimed')\n"
        "print([one for one in map(int, os.listdir('/proc/self/fd')) if one > own + 1])"
    )
    told = await opened.run(Command(argv=("python3", "-c", script)))
    await opened.close()
    assert told.stdout.decode().splitlines() == ["[0, 1, 2]", "claimed", "[]"], told
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
