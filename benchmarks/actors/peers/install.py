"""Install peers, each into a virtual environment of its own outside the repository."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.actors.peers.catalogue import Peer, interpreter

LIMIT_S = 600.0


def cache_dir() -> Path:
    """Where the virtual environments are: ``ORKET_BENCHMARKS_CACHE``, else the user's cache."""
    given = os.environ.get("ORKET_BENCHMARKS_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "orket-benchmarks"


def install(peer: Peer, cache: Path, python: str | None) -> str:
    """Install a peer; what happened, in one line. Never raises for a peer that does not install."""
    found = _python_for(peer, python)
    if found is None:
        return f"needs Python {peer.python[0]}.{peer.python[1]} or newer, and none was found"
    folder = cache / peer.name
    if not interpreter(cache, peer).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if failure := _run([found, "-m", "venv", str(folder)]):
            return f"no virtual environment: {failure}"
    pip = [str(interpreter(cache, peer)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if failure := _run([*pip, peer.distribution]):
        shutil.rmtree(folder, ignore_errors=True)
        return f"does not install: {failure}"
    return "installed"


def _run(command: list[str]) -> str:
    """Run a command; its last complaint, or nothing when it succeeded."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        return str(failure)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]


def _python_for(peer: Peer, given: str | None) -> str | None:
    """An interpreter that is new enough: the given one, this one, or one on the path."""
    for candidate in _pythons(given):
        wanted = f"import sys; sys.exit(sys.version_info < {peer.python})"
        if not _run([candidate, "-c", wanted]):
            return candidate
    return None


def _pythons(given: str | None) -> Iterator[str]:
    if given:
        yield given
    yield sys.executable
    for minor in range(15, 10, -1):
        if found := shutil.which(f"python3.{minor}"):
            yield found
