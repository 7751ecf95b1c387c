"""`orket serve` as a process: stopped in the middle of a run, started again, the run goes on to its end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from orket.client import OrketClient
from orket.wire.runs import StartRunBody

CARDS = Path(__file__).parents[3] / "docs" / "examples" / "cards"
EXIT_S = 5.0


@pytest.fixture
def anyio_backend() -> str:
    """One event loop will do: the server's is its own, and the client is tested on both elsewhere."""
    return "asyncio"


@attrs.frozen
class Process:
    """A server: where it is reached, and how it ends."""

    popen: subprocess.Popen[str]
    url: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(EXIT_S)


@contextmanager
def process(folder: Path) -> Iterator[Process]:
    """Run `orket serve` on the shipped example cards, with its data in ``folder``."""
    environ = {**os.environ, "ORKET_PORT": "0", "ORKET_MODEL_DIR": str(CARDS), "ORKET_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "orket", "serve"]
    with subprocess.Popen(command, env=environ, cwd=folder, stderr=subprocess.PIPE, text=True) as popen:
        assert popen.stderr is not None
        try:
            line = popen.stderr.readline()
            found = re.search(r"http://\S+", line)
            assert found is not None, line + popen.stderr.read()
            yield Process(popen, found[0])
        finally:
            popen.kill()


@pytest.mark.anyio
async def test_a_run_survives_its_server(tmp_path: Path) -> None:
    seen = []
    with process(tmp_path) as server:
        async with OrketClient.connect(url=server.url) as client:
            run = await client.start_run(StartRunBody(target=str(CARDS / "epics" / "ledger_cli.json")))
            async with client.events(run.id) as events:
                async for event in events:
                    seen.append(event.seq)
                    if event.kind == "TurnStarted":
                        break
                began = time.monotonic()
                assert server.stop() == 0
                assert time.monotonic() - began < EXIT_S
        assert server.popen.stderr is not None
        assert "Traceback" not in server.popen.stderr.read()
    with process(tmp_path) as server:
        async with (
            OrketClient.connect(socket=tmp_path / "run" / "orket.sock") as client,
            client.events(run.id, after=seen[-1]) as events,
        ):
            last = None
            async for event in events:
                seen.append(event.seq)
                last = event
            assert last is not None
            assert (last.kind, last.data["status"]) == ("RunFinished", "done")
            logged = [one.seq for one in (await client.ledger(run_id=run.id, limit=1000)).events]
            assert seen == [seq for seq in logged if seq <= last.seq]  # its sandbox is closed after it
        assert server.stop(signal.SIGINT) == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """A server whose engine does not stop is ended by the second signal, as that signal ends a process."""
    script = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
import anyio
import attrs
from orket.interfaces.serve import serve
from orket.settings import load_settings
from tests.orket.interfaces.engines import open_house

@asynccontextmanager
async def stubborn(settings):
    async with open_house() as house:
        try:
            yield attrs.evolve(house.orket, settings=settings)
        finally:
            print("stuck", file=sys.stderr, flush=True)
            with anyio.CancelScope(shield=True):
                await anyio.sleep_forever()

anyio.run(lambda: serve(load_settings({"ORKET_PORT": "0"}, Path(sys.argv[1])), opener=stubborn))
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as popen:
        assert popen.stderr is not None
        if "serving" not in (said := popen.stderr.readline()):
            popen.kill()  # or leaving the block would wait for it
        assert "serving" in said
        popen.send_signal(signal.SIGTERM)
        while popen.stderr.readline() != "stuck\n":
            assert popen.poll() is None
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(EXIT_S) == -signal.SIGTERM


def test_its_actors_can_be_watched(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        result = subprocess.run(
            [sys.executable, "-m", "actors.top", tmp_path / "run" / "actors.sock", "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        paths = [line["path"] for line in json.loads(result.stdout)["actors"]]
        assert "orket/root/engine" in paths
        assert server.stop() == 0
