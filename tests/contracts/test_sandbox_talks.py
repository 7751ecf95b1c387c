"""Every sandbox driver that can be talked with: a command that is fed and listened to while it runs."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from orket.domain.ports import OpenSandbox
from orket.domain.sandboxes import Command, CommandEnd, CommandResult, Limits
from tests.contracts.sandbox_drivers import DRIVERS, WALL_S, opened, working

pytestmark = pytest.mark.anyio
ECHO = (sys.executable, "-c", "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)")
TALKING = [one for one in DRIVERS if one.name != "compose"]


class Asked:
    """Says line after line, each once the one before was answered."""

    def __init__(self, *lines: bytes, endless: bool = False) -> None:
        self._lines, self._endless = list(lines), endless
        self.heard = bytearray()
        self.over = False
        self.first = anyio.Event()
        self._answered = anyio.Event()
        self._answered.set()

    async def next(self) -> bytes:
        await self._answered.wait()
        if not self._lines and self._endless:
            await anyio.sleep_forever()
        self._answered = anyio.Event()
        return self._lines.pop(0) if self._lines else b""

    async def hear(self, said: bytes) -> None:
        self.heard += said
        self.over = not said
        self.first.set()
        if said.endswith(b"\n") or not said:
            self._answered.set()


@pytest.fixture(params=TALKING, ids=lambda one: one.name)
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenSandbox]:
    async with opened(working(request.param), tmp_path / "work") as one:
        yield one


async def talk(sandbox: OpenSandbox, asked: Asked, *argv: str, wall_s: float = WALL_S) -> CommandResult:
    return await sandbox.run(Command(argv=argv, talk=asked, limits=Limits(wall_s=wall_s)))


async def test_each_answer_comes_before_the_next_question(sandbox: OpenSandbox) -> None:
    asked = Asked(b"one\n", b"x" * 300_000 + b"\n", b"two\n")
    told = await talk(sandbox, asked, *ECHO)
    assert (told.end, told.stdout, asked.over) == (CommandEnd.OK, b"", True)
    assert bytes(asked.heard) == b"ONE\n" + b"X" * 300_000 + b"\nTWO\n"


async def test_a_command_that_does_not_listen_or_ends_early_ends_the_talk(sandbox: OpenSandbox) -> None:
    deaf = Asked(b"x" * 1_000_000)
    assert (await talk(sandbox, deaf, "sh", "-c", "exec <&-; echo bye >&2; exit 3")).exit_code == 3
    gone = Asked(b"one\n", endless=True)
    told = await talk(sandbox, gone, "sh", "-c", "read line; echo $line; echo last words >&2")
    assert (told.end, bytes(gone.heard), told.stderr) == (CommandEnd.OK, b"one\n", b"last words\n")


async def test_a_talk_ends_with_its_limits_and_when_it_is_cut_off(sandbox: OpenSandbox) -> None:
    assert (await talk(sandbox, Asked(endless=True), "cat", wall_s=0.3)).end is CommandEnd.TIMEOUT
    asked = Asked(b"one\n", endless=True)
    with anyio.move_on_after(WALL_S) as patience:
        async with anyio.create_task_group() as group:
            group.start_soon(talk, sandbox, asked, "cat")
            await asked.first.wait()
            group.cancel_scope.cancel()
    assert not patience.cancelled_caught
