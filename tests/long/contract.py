"""Hold a running `orket serve` to its OpenAPI document: ``python -m tests.long.contract --seconds 30``.

schemathesis makes requests up from the document: its examples, the edges of every schema, random ones, and
chains along the links. The server is a real one with the shipped cards. Afterwards it must still be
ready, and end in order. Needs the extra ``http-tests``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CARDS = ROOT / "docs" / "examples" / "cards"
CONFIG = Path(__file__).with_name("schemathesis.toml")
STOP_S = 30.0


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Run `orket serve` on a free port, where the assets that the document's examples name are found.

    Gives the process, its address, and a list that holds what it said once it has ended.
    """
    model = folder / "model"
    shutil.copytree(CARDS, model / "core")
    environ = {
        **os.environ,
        "ORKET_PORT": "0",
        "ORKET_MODEL_DIR": str(model),
        "ORKET_DATA_DIR": str(folder / "data"),
    }
    command = [sys.executable, "-m", "orket", "serve"]
    said: list[str] = []
    with subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        listener = threading.Thread(target=said.extend, args=(server.stderr,), daemon=True)
        try:
            first = server.stderr.readline()
            found = re.search(r"http://\S+", first)
            if found is None:
                raise SystemExit(f"orket serve did not start: {first}{server.stderr.read()}")
            listener.start()  # a pipe that nobody reads would stop the server
            yield server, found[0], said
        finally:
            if server.poll() is None:
                server.kill()
            if listener.ident is not None:
                listener.join(STOP_S)
            print("".join(said)[-2000:], flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long.contract")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, help="make the same requests again; otherwise others each time")
    given = parser.parse_args(arguments)
    tool = Path(sys.executable).with_name("schemathesis")
    if not tool.exists():
        print("schemathesis is not installed: python -m pip install -e '.[http-tests]' -c constraints.txt")
        return 1
    with tempfile.TemporaryDirectory(prefix="orket-contract-") as name:
        folder = Path(name)
        with serving(folder) as (server, url, said):
            checked = subprocess.run(
                _command(tool, url, given.seconds, given.seed),
                cwd=folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "SCHEMATHESIS_HOOKS": "tests.long.contract_hooks",
                },
                check=False,
            ).returncode
            with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
                ready = answer.status == 200
            server.send_signal(signal.SIGTERM)
            ended = server.wait(STOP_S)
    print(f"contract: schemathesis {checked}, ready afterwards {ready}, exit code of the server {ended}")
    return 0 if checked == 0 and ready and ended == 0 and is_quiet(said) else 1


def is_quiet(said: Sequence[str]) -> bool:
    """Whether a server has never failed in a way that nobody foresaw."""
    return not any("Traceback" in line for line in said)


def _command(tool: Path, url: str, seconds: int, seed: int | None) -> Sequence[str | Path]:
    return (
        *(tool, "--config-file", CONFIG, "run", f"{url}/openapi.json", "--checks", "all", "--no-color"),
        *("--max-time", str(seconds), "--continue-on-failure", "--request-timeout", "90"),
        *("--max-response-time", "60"),  # a model that is not there is asked a few times
        *("--suppress-health-check", "all", "--report-dir", "reports"),
        *(() if seed is None else ("--seed", str(seed))),
    )


if __name__ == "__main__":
    sys.exit(main())
