"""The model suite: fetch the small weights, then ask the real server: ``python -m tests.long.models``."""

from __future__ import annotations

import subprocess
import sys

WEIGHTS = "smollm2-135m"
TESTS = "tests/orket/infrastructure/models"


def main() -> int:
    """Return pytest's exit code; where the weights cannot be had the tests skip and say so."""
    pulled = subprocess.run([sys.executable, "-m", "orket", "models", "pull", WEIGHTS], check=False)
    if pulled.returncode != 0:
        print(f"{WEIGHTS} cannot be had here: what needs it skips")
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-m",
        "model",
        "tests/orket/infrastructure/models",
    ]
    return subprocess.run(tests, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
