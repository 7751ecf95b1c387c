"""The real command in a process of its own, on pipes or on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 30.0


def orket(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "orket", *words],
        cwd=cwd,
        env=_environ(environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


@contextmanager
def running(*words: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orket", *words],
        cwd=cwd,
        env=_environ({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_with(process: subprocess.Popen[str], wanted: str, *, of: str = "stdout") -> str:
    """Read lines of a running command up to one that contains ``wanted``."""
    stream = getattr(process, of)
    for line in stream:
        if wanted in line:
            return str(line)
    raise AssertionError(f"it ended without {wanted!r}: {process.communicate()}")


def on_a_terminal(*words: str, cwd: Path, columns: int = 100, lines: int = 30) -> tuple[int, str]:
    """Run a command on a terminal of its own; return exit code and everything it wrote."""
    ours, theirs = pty.openpty()
    environ = _environ({"TERM": "xterm", "COLUMNS": str(columns), "LINES": str(lines)})
    with subprocess.Popen(
        [sys.executable, "-m", "orket", *words],
        cwd=cwd,
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        written = _read_all(ours)
    os.close(ours)
    return process.returncode, written.decode()


def _read_all(terminal: int) -> bytes:
    written = b""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and select.select([terminal], [], [], PATIENCE_S)[0]:
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # Linux's way to say that nobody holds the other end any more
            break
        if not piece:
            break
        written += piece
    return written


def _environ(more: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ORKET_", "FORCE_COLOR"))}
    root = str(Path(__file__).parents[3])
    return {**kept, "PYTHONPATH": root, "PYTHONWARNINGS": "error", **more}
