"""`orket mcp serve` as a process, spoken to with the SDK's own client over both transports."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from orket.interfaces.cli.app import main
from tests.orket.interfaces.mcp.test_tools import asked

CARDS = Path(__file__).parents[4] / "docs" / "examples" / "cards"
EXIT_S = 10.0
TARGET = str(CARDS / "epics" / "ledger_cli.json")


@pytest.fixture
def anyio_backend() -> str:
    """One event loop will do: the server's is its own."""
    return "asyncio"


def environ(folder: Path) -> dict[str, str]:
    return {**os.environ, "ORKET_MODEL_DIR": str(CARDS), "ORKET_DATA_DIR": str(folder)}


@pytest.mark.anyio
async def test_over_stdio_a_run_goes_to_its_end_and_is_there_for_the_next(tmp_path: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "orket", "mcp", "serve"], env=environ(tmp_path), cwd=tmp_path
    )
    async with Client(command) as client:
        run = (await asked(client, "start_run", target=TARGET))["id"]
        found = await asked(client, "get_run", run_id=run, wait_s=30)
        assert found["state"] == "completed", found
    async with Client(command) as client:
        assert (await asked(client, "get_run", run_id=run))["state"] == "completed"


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "orket", "mcp", "serve", "--http", "0"]
    with subprocess.Popen(
        command, env=environ(folder), cwd=folder, stderr=subprocess.PIPE, text=True
    ) as popen:
        assert popen.stderr is not None
        try:
            line = popen.stderr.readline()
            found = re.search(r"http://\S+", line)
            assert found is not None, line + popen.stderr.read()
            yield popen, found[0]
        finally:
            popen.kill()


@pytest.mark.anyio
async def test_over_http_the_same_tools_are_there_and_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    with served(tmp_path) as (popen, url):
        async with Client(url) as client:
            run = (await asked(client, "start_run", target=TARGET))["id"]
            assert (await asked(client, "get_run", run_id=run, wait_s=30))["state"] == "completed"
        popen.send_signal(signal.SIGTERM)
        assert popen.wait(EXIT_S) == 0


def test_without_the_extra_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("orket.interfaces.cli.mcp_serve.find_spec", lambda name: None)
    assert main(["mcp", "serve"]) != 0
    assert "orket[mcp]" in capsys.readouterr().err
