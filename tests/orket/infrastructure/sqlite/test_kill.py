"""SIGKILL at any moment: what was acknowledged is there, nothing is half there, the next start goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orket.infrastructure.lock import EngineLock, holder
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.verify import verify
from tests.contracts.ledger import A, SteppingClock

APPEND = """
import sys
import anyio
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.lock import EngineLock
from orket.infrastructure.sqlite import open_ledger
from tests.contracts.ledger import A
from tests.contracts.strategies import accepted, comment

async def append(ledger):
    while True:
        recorded = await ledger.append(A, [comment(text="x" * 500)] * 3, blobs=[b"b" * 5000])
        print(recorded[-1].seq, flush=True)

async def main(path):
    with EngineLock(path):
        async with open_ledger(path, SystemClock()) as ledger:
            if await ledger.run(A) is None:
                await ledger.append(A, [accepted()])
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(append, ledger)

anyio.run(main, sys.argv[1], backend=sys.argv[2])
"""


@pytest.mark.anyio
async def test_no_acknowledged_event_is_lost(tmp_path: Path, anyio_backend: str) -> None:
    path, kept = tmp_path / "orket.db", 0
    for lines in (1, 10, 67, 150):
        kept = max(kept, append_and_kill(path, anyio_backend, lines))
        assert holder(path) is None
        async with open_ledger(path, SteppingClock()) as ledger:
            found = [one.seq for one in await ledger.read(A, limit=100_000)]
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= kept
            assert len(found) % 3 == 1  # the run's first event, and threes
        assert verify(path).ok


def append_and_kill(path: Path, backend: str, lines: int) -> int:
    """Let a process append until it has acknowledged so many times, kill it, return its last number."""
    command = [sys.executable, "-c", APPEND, str(path), backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        told.extend(child.stdout.readlines())
        assert child.wait() == -signal.SIGKILL
    return max(int(line) for line in told if line.endswith(b"\n"))


def test_a_writer_under_the_lock_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "orket.db"
    command = [sys.executable, "-c", APPEND, str(path), "asyncio"]
    with EngineLock(path, socket="/run/orket.sock"):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[4]
        )
    assert done.returncode == 1
    assert "StoreLocked" in done.stderr
    assert "which answers on /run/orket.sock" in done.stderr
    assert not path.exists()
