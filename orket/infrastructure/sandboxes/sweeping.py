"""The last resort: find what a killed launcher left behind, by the private directory in its environment."""

from __future__ import annotations

import os
import signal
import time

from orket.infrastructure.sandboxes.family import send

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

    def is_meant(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return mark in file.read().split(b"\0")
        except OSError:
            return False

    for _ in range(PASSES_MAX):
        left = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_meant(pid)]
        if not left:
            return True
        for what in (signal.SIGSTOP, signal.SIGKILL):  # frozen first: what is stopped cannot fork
            for pid in left:
                send(pid, what, is_meant)
        time.sleep(PAUSE_S)
    return False
