"""The peers: what is installed for each, what each can be measured in, and where that happens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

INSTALL_LIMIT_S: Final = 600.0


class Peer(NamedTuple):
    """A library that records steps durably, runs agents, or both; the first requirement names its version."""

    name: str
    requirements: tuple[str, ...]
    module: str
    parts: tuple[str, ...]


PEERS: Final = (
    Peer("dbos", ("dbos",), "dbos_", ("steps",)),
    Peer("langgraph", ("langgraph", "langgraph-checkpoint-sqlite"), "langgraph_", ("steps", "turns")),
    Peer("openai-agents", ("openai-agents",), "openai_agents_", ("turns",)),
    Peer("pydantic-ai", ("pydantic-ai-slim",), "pydantic_ai_", ("turns",)),
)


def interpreter(cache: Path, peer: Peer) -> Path:
    """The Python of a peer's virtual environment."""
    return cache / peer.name / "bin" / "python"


def install(peer: Peer, cache: Path) -> str:
    """Install a peer unless it is there; what happened, in one line. Never raises."""
    python = interpreter(cache, peer)
    if python.exists():
        return "is installed"
    cache.mkdir(parents=True, exist_ok=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(cache / peer.name)], [*pip, *peer.requirements]):
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_LIMIT_S, check=True)
        except (OSError, subprocess.SubprocessError) as failure:
            return f"does not install: {failure}"
    return "installed"
