"""The model suite: ``python -m tests.long.models [--short]`` asks real servers with real, small models.

First the adapters, with the smallest weights there are, which are fetched. Then, where the larger weights lie
already, the issues of the demo: one of them in the short form, else all that are one file each, and the page
about a local model, an MCP server and an approval. Without those weights this part is left out, and says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from orket.domain.errors import AssetError
from orket.infrastructure.models.weights import find
from orket.settings import load_settings

WEIGHTS, LARGER = "smollm2-135m", "qwen2.5-coder-1.5b"
ADAPTERS = "tests/orket/infrastructure/models"
PAGE = "tests/docs/test_local_model_page.py"
ONE_FILE = ("KIT-1", "KIT-3", "KIT-4")


def python(*words: str) -> bool:
    """Run a module of this environment; tell whether it went well."""
    return subprocess.run([sys.executable, "-m", *words], check=False).returncode == 0


def asked(*paths: str) -> bool:
    """Run the tests that ask a model."""
    return python("pytest", "-q", "-n", "0", "-m", "model", *paths)


def is_here(name: str) -> bool:
    """Whether the weights of a model lie on this machine."""
    settings = load_settings(os.environ, Path.cwd())
    try:
        find(name, settings.weights_dir, settings.cwd)
    except AssetError:
        return False
    return True


def worked(issues: Sequence[str]) -> bool:
    """Have the larger model do issues of the demo, each of which must be right."""
    which = ("--temperature", "0", "--issues", *issues, "--need", *issues)
    return python("benchmarks.models.issues", f"local:{LARGER}", *which)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when all went well; what cannot be had here is left out."""
    short = "--short" in (sys.argv[1:] if arguments is None else arguments)
    if not python("orket", "models", "pull", WEIGHTS):
        print(f"{WEIGHTS} cannot be had here: what needs it skips")
    well = [asked(ADAPTERS)]
    if not is_here(LARGER):
        print(f"{LARGER} is not here, so no issue is worked on; get it: orket models pull {LARGER}")
    elif short:
        well.append(worked(ONE_FILE[:1]))
    else:
        well += [worked(ONE_FILE), asked(PAGE)]
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main())
