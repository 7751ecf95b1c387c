"""What the suites over the sandbox port share: the drivers under test, and ways to see processes."""

import os
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from orket.domain.identifiers import RunId
from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import Command, CommandResult, InputFile, Limits, ProbeReport, SandboxSpec
from orket.domain.workspaces import Isolation
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from orket.infrastructure.sandboxes.compose import ComposeDriver
from orket.infrastructure.sandboxes.landlock import LandlockDriver
from orket.infrastructure.sandboxes.process import ProcessDriver

DRIVERS: tuple[type[SandboxDriver], ...] = (ProcessDriver, LandlockDriver, BubblewrapDriver, ComposeDriver)
WALL_S = 20.0
# The socket of a container engine that tests may use; scripts/container_engine.py starts one.
ENGINE_VARIABLE = "TEST_CONTAINER_ENGINE"
PODMANS_NAMES = {"HOSTNAME", "TERM", "container"}
NO_ENGINE = "no container engine was named: python -m tests.long --only containers"


def made(kind: type[SandboxDriver]) -> SandboxDriver:
    """A driver as the tests use it."""
    return ComposeDriver(socket=os.environ[ENGINE_VARIABLE]) if kind is ComposeDriver else kind()


def by_podman(driver: SandboxDriver) -> bool:
    """Whether containers are podman's, which tells less of how they end; see the manual."""
    return isinstance(driver, ComposeDriver) and any("podman" in one for one in probed(ComposeDriver).states)


def named_engine() -> str:
    """The socket of the container engine, or a skip."""
    if not (socket := os.environ.get(ENGINE_VARIABLE, "")):
        pytest.skip(NO_ENGINE)
    return socket


@cache
def probed(kind: type[SandboxDriver]) -> ProbeReport:
    """What the driver says of this machine; asked once."""
    with ThreadPoolExecutor(1) as thread:  # a loop of its own, whichever runs here
        return thread.submit(anyio.run, made(kind).probe).result()


def working(kind: type[SandboxDriver]) -> SandboxDriver:
    """A driver, or the reason why its tests are skipped here; level 0 works everywhere."""
    if kind is ComposeDriver:
        named_engine()
    if kind is not ProcessDriver and not (report := probed(kind)).ok:
        pytest.skip(f"{kind.name}: {report.reason}")
    return made(kind)


@asynccontextmanager
async def opened(
    driver: SandboxDriver, workspace: Path, project: Path | None = None
) -> AsyncIterator[OpenSandbox]:
    """Open a sandbox over a workspace, which is a view of ``project`` if there is one."""
    sandbox = await driver.open(
        SandboxSpec(
            run_id=RunId("r1"),
            workspace=str(workspace),
            levels=(driver.name,),
            isolation=None if project is None else Isolation(project=str(project)),
        )
    )
    try:
        yield sandbox
    finally:
        await sandbox.close()


async def run(
    sandbox: OpenSandbox,
    *argv: str,
    stdin: bytes = b"",
    files: tuple[InputFile, ...] = (),
    limits: Limits | None = None,
) -> CommandResult:
    bounds = limits if limits is not None else Limits(wall_s=WALL_S)
    return await sandbox.run(Command(argv=argv, stdin=stdin, files=files, limits=bounds))


def token() -> str:
    """A word for a command line by which its processes can be told from all others."""
    return f"orket-test-{secrets.token_hex(8)}"


def carrying(word: str) -> list[int]:
    """The processes, zombies aside, that have the word in their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if word.encode() in Path("/proc", name, "cmdline").read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found


class Herald:
    """A named pipe in a workspace, through which a command says that it has come to some point."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / f"herald-{secrets.token_hex(4)}"
        os.mkfifo(self.path)

    async def word(self) -> str:
        """Wait for the command to write to the pipe and close it."""
        return (await anyio.to_thread.run_sync(self.path.read_text)).strip()
