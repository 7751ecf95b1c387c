"""What lies outside of a sandbox, and a driver held against attempts to get there."""

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anyio

from orket.domain.ports import OpenSandbox, SandboxDriver
from orket.domain.sandboxes import CommandEnd, CommandResult, Limits
from orket.domain.workspaces import WorkspaceLevel
from tests.contracts.escapes import KEPT, OUT, PRELUDE, UNTRIED, Attempt
from tests.contracts.sandbox_drivers import carrying, opened, run, token

LIMITS = Limits(
    wall_s=8.0,
    cpu_s=2,
    output_bytes=65_536,
    file_bytes=8_000_000,
    memory_bytes=600_000_000,
    open_files=128,
    processes=40,
)
AT_A_TIME = 3
ON_A_SPARE = 2  # the level whose second command finds everything laid out


@contextmanager
def world(folder: Path) -> Iterator[dict[str, object]]:
    """What lies outside of the sandbox, made for this test."""
    outside = folder / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (outside / "scrap").write_text("scrap")
    name = f"\0{secrets.token_hex(8)}"
    with ExitStack() as held:
        tcp = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        for address in (name, str(outside / "sock")):
            one = held.enter_context(socket.socket(socket.AF_UNIX))
            one.bind(address)
            one.listen(16)
        udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        echo = threading.Thread(target=_echo, args=(udp,))
        echo.start()
        victim = held.enter_context(subprocess.Popen(["sleep", "300"]))
        try:
            yield {
                "outside": str(outside),
                "tcp": tcp.getsockname()[1],
                "udp": udp.getsockname()[1],
                "abstract": name,
                "engine": os.getpid(),
                "victim": victim.pid,
            }
        finally:
            _end_echo(udp)
            echo.join()
            victim.kill()


def _echo(udp: socket.socket) -> None:
    while True:
        said, sender = udp.recvfrom(16)
        if said == b"over":
            return
        udp.sendto(said, sender)


def _end_echo(udp: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"over", udp.getsockname())


async def attempt(
    one: Attempt, level: int, sandbox: OpenSandbox, world: dict[str, object], word: str
) -> CommandResult:
    told = json.dumps({**world, "program": one.program, "level": level})
    return await run(sandbox, sys.executable, "-c", PRELUDE, told, word, limits=LIMITS)


def judged(told: CommandResult) -> str:
    return OUT if told.end is CommandEnd.OK and told.stdout.endswith(b"OUT") else KEPT


async def against(
    attempts: Iterable[Attempt],
    driver: SandboxDriver,
    world: dict[str, object],
    folder: Path,
    *,
    overlaid: bool = False,
) -> dict[str, str]:
    """Try those meant for the driver's level, a few at a time; say what did not go as stated.

    ``overlaid``: the workspace is an overlay over a project, which has to stay as it was.
    """
    wrong: dict[str, str] = {}
    word, room = token(), anyio.Semaphore(AT_A_TIME)

    async def act(number: int, one: Attempt) -> None:
        project = folder / f"{number}" / "project" if overlaid else None
        if project is not None:
            project.mkdir(parents=True)
            (project / "kept").write_text("kept")
        async with room, opened(driver, folder / f"{number}" / "work", project) as sandbox:
            assert not overlaid or sandbox.terms.workspace == WorkspaceLevel.OVERLAY
            (folder / f"{number}" / "outside").symlink_to(str(world["outside"]))
            if driver.level == ON_A_SPARE:  # what was laid out ahead must keep as much
                await run(sandbox, "true")
            told = await attempt(one, driver.level, sandbox, world, word)
        if (seen := judged(told)) != one.levels[driver.level]:
            wrong[one.name] = f"{seen}: {told.end} {told.exit_code} {told.stderr[-300:]!r}"
        elif any(bug in told.stderr for bug in (b"NameError", b"SyntaxError", b"TypeError", b"ValueError")):
            wrong[one.name] = f"the attempt itself is wrong: {told.stderr[-300:]!r}"
        assert len(told.stdout) <= LIMITS.output_bytes
        if project is not None:
            assert [one.name for one in project.iterdir()] == ["kept"]
            assert (project / "kept").read_text() == "kept"

    async with anyio.create_task_group() as group:
        for number, one in enumerate(attempts):
            if one.levels[driver.level] == UNTRIED:
                continue
            group.start_soon(act, number, one)
    assert not carrying(word)
    return wrong
