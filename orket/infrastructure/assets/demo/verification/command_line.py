"""Verifies KIT-5: runs the program that the run wrote, on the recipes that it wrote."""

import subprocess
import sys


def verify(given: dict[str, list[str]]) -> list[str]:
    """Run ``python -m kitchen`` in the workspace and return the lines it shows."""
    command = [sys.executable, "-m", "kitchen", *given["arguments"]]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    return shown.stdout.splitlines()
