"""The register of the long suites: one line of prose, a short and a full form each, in running order."""

from __future__ import annotations

import sys
from dataclasses import dataclass

PYTHON = sys.executable
SPHINX = (PYTHON, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet")

PYTEST = (PYTHON, "-m", "pytest", "-q", "-n", "0")  # one at a time: they measure limits
SANDBOX = "tests/contracts/long_sandbox.py"
ENGINE = (PYTHON, "scripts/container_engine.py", "--install")  # says which engine it is
CONTAINERS = (*ENGINE, "--", *PYTEST, "tests/contracts", "-k")
PODMAN = (*ENGINE, "--podman", "--", *PYTEST)
COMMANDS = ("tests/contracts/test_sandbox_commands.py", "tests/contracts/test_sandbox_files.py")


@dataclass(frozen=True)
class Suite:
    """One long suite; ``short`` and ``full`` are commands, run from the top of the checkout.

    The short form shows the same thing on a smaller scale, within a few minutes on two cores. A command
    that is still running after ``limit_s`` seconds is killed and has failed.
    """

    name: str
    shows: str
    short: tuple[str, ...]
    full: tuple[str, ...]
    limit_s: float = 600.0


SUITES: tuple[Suite, ...] = (
    Suite(
        name="release_smoke",
        shows="the built wheel installs in a fresh environment, migrates, runs the demo and serves",
        short=(PYTHON, "scripts/release_smoke.py", "--skip-tests"),
        full=(PYTHON, "scripts/release_smoke.py"),
        limit_s=1800.0,
    ),
    Suite(
        name="documents",
        shows="the documentation builds without a warning",
        short=(*SPHINX, "-b", "dummy", "docs", "docs/_build/dummy"),
        full=(*SPHINX, "-b", "html", "docs", "docs/_build/html"),
    ),
    Suite(
        name="kills",
        shows="engines killed at any moment lose nothing, repeat nothing silently and strand no run",
        short=(PYTHON, "-m", "tests.crash", "--kills", "200", "--limit", "300"),
        full=(PYTHON, "-m", "tests.crash", "--kills", "1000", "--limit", "1700"),
        limit_s=1800.0,
    ),
    Suite(
        name="simulation",
        shows="fixed programs, the runtime's table and an engine survive thousands of simulated schedules",
        short=(PYTHON, "-m", "tests.testing.survive", "--schedules", "300", "--minutes", "4"),
        full=(PYTHON, "-m", "tests.testing.survive"),
        limit_s=2400.0,
    ),
    Suite(
        name="sandbox",
        shows="each sandbox level that works here keeps what it states, against every way out of the corpus",
        short=(*PYTEST, SANDBOX),
        full=(
            *PYTEST,
            SANDBOX,
            "tests/contracts/test_sandbox_commands.py",
            "tests/contracts/test_sandbox_files.py",
        ),
    ),
    Suite(
        name="http",
        shows="the bridge does what its OpenAPI document says, whatever is sent, and still stands",
        short=(PYTHON, "-m", "tests.long.contract", "--seconds", "30", "--seed", "1"),
        full=(PYTHON, "-m", "tests.long.contract", "--seconds", "300"),
        limit_s=900.0,
    ),
    Suite(
        name="streams",
        shows="clients that break off, dawdle and come back see the log, each event once, and cancel no work",
        short=(PYTHON, "-m", "tests.long.streams", "--seconds", "15"),
        full=(PYTHON, "-m", "tests.long.streams", "--seconds", "180"),
    ),
    Suite(
        name="flood",
        shows="three times the work that is taken on: flat memory, honest refusals, nothing accepted is lost",
        short=(PYTHON, "-m", "tests.long.flood", "--seconds", "10"),
        full=(PYTHON, "-m", "tests.long.flood", "--seconds", "60"),
    ),
    Suite(
        name="models",
        shows="the model adapters speak with a real llama.cpp server; a small model does the demo's issues",
        short=(PYTHON, "-m", "tests.long.models", "--short"),
        full=(PYTHON, "-m", "tests.long.models"),
        limit_s=5400.0,
    ),
    Suite(
        name="containers",
        shows="commands and project sandboxes in real containers, on an engine that is started for it",
        short=(*CONTAINERS, "compose and asyncio"),
        full=(*CONTAINERS, "compose", SANDBOX),
        limit_s=900.0,
    ),
    Suite(
        name="podman",
        shows="the compose level by podman's service, with the differences that the manual names",
        short=(*PODMAN, *COMMANDS, "-k", "compose and trio"),
        full=(*PODMAN, *COMMANDS, "tests/contracts/test_sandbox_isolation.py", SANDBOX, "-k", "compose"),
        limit_s=900.0,
    ),
)
