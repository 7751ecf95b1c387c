"""Verifies KIT-4 by calling the code that the run wrote; runs with the workspace as current directory."""

import importlib
import sys
from pathlib import Path


def verify(given: dict[str, list[str]]) -> list[str]:
    """Add up a shopping list and return its lines."""
    sys.path.insert(0, str(Path.cwd()))
    shopping = importlib.import_module("kitchen.shopping")
    return list(shopping.total(given["lines"]))
