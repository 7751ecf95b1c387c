"""Verifies KIT-1 by calling the code that the run wrote; runs with the workspace as current directory."""

import importlib
import sys
from fractions import Fraction
from pathlib import Path


def verify(given: dict[str, str]) -> str | list[str]:
    """Parse a quantity and return it as a plain fraction and as it is shown, or the name of the error."""
    sys.path.insert(0, str(Path.cwd()))
    quantity = importlib.import_module("kitchen.quantity")
    try:
        parsed = quantity.parse(given["text"])
    except ValueError:
        return "ValueError"
    return [str(Fraction(parsed)), quantity.show(Fraction(parsed))]
