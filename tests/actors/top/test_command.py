"""``python -m actors.top`` as a person and a script run it."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync

import actors.top
from actors import ActorSystem
from tests.actors.bank import Account

COMMAND = [sys.executable, "-m", "actors.top"]


def top(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=40,
        env={**os.environ, "COLUMNS": "100"},
    )


def test_the_demo_prints_json_for_scripts() -> None:
    result = top("--demo", "--json")
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["system"] == "demo"
    assert "demo/cafe/kitchen/2" in [line["path"] for line in seen["actors"]]


def test_a_view_of_another_process_once(tmp_path: Path) -> None:
    async def main() -> None:
        place = tmp_path / "b.sock"
        async with ActorSystem("bank") as system, actors.top.serve(system, place):
            system.named("till").spawn(Account)
            result = await run_sync(top, str(place), "--once")
            assert result.returncode == 0, result.stderr
            assert "till Account" in result.stdout

    anyio.run(main)


@pytest.mark.parametrize("place", ["no-such.sock", "http://127.0.0.1:1/x"])
def test_nobody_there_is_said_on_one_line(place: str) -> None:
    result = top(place, "--once")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert place in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [[], ["a.sock", "--demo"], ["a.sock", "--every", "0"]], ids=" ".join)
def test_a_wrong_command_line_is_explained(words: list[str]) -> None:
    result = top(*words)
    assert result.returncode == 2
    assert "usage" in result.stderr


def test_only_the_view_needs_rich() -> None:
    script = "import sys, actors, actors.top, actors.top.__main__; assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=40)


def read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, seen
        seen += os.read(terminal, 65536)
    return seen


def test_q_ends_the_live_view() -> None:
    terminal, other = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "--demo", "--every", "0.1"],
        stdin=other,
        stdout=other,
        stderr=other,
        env={**os.environ, "COLUMNS": "100", "LINES": "30", "TERM": "xterm"},
    ) as process:
        os.close(other)
        read_until(terminal, b"printer")
        os.write(terminal, b"q")
        read_until(terminal, b"\x1b[?1049l")  # the terminal's own screen is back
        assert process.wait(30) == 0
    os.close(terminal)
