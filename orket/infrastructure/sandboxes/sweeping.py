"""The last resort: find what a killed launcher left behind, by the private directory in its environment."""

from __future__ import annotations

import signal
import time

from orket.infrastructure.sandboxes.launcher import processes, send

PASSES_MAX = 200
PAUSE_S = 0.005


def home_of(private: str) -> str:
    """Name the home directory inside a command's private directory."""
    return f"{private}/home"


def sweep(private: str) -> bool:
    """Kill every process of the command that owns ``private``; tell whether none is left.

    The directory's random name is in the environment that all of them inherit. Blocks for a moment: call it
    in a worker thread.
    """
    mark = f"HOME={home_of(private)}".encode()
    for _ in range(PASSES_MAX):
        left = [(pid, when) for pid, (_, when) in processes().items() if _carries(pid, mark)]
        if not left:
            return True
        for what in (signal.SIGSTOP, signal.SIGKILL):  # frozen first: what is stopped cannot fork
            for pid, when in left:
                send(pid, when, what)
        time.sleep(PAUSE_S)
    return False


def _carries(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False
