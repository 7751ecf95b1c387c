"""Verifies KIT-3 by calling the code that the run wrote; runs with the workspace as current directory."""

import importlib
import sys
from fractions import Fraction
from pathlib import Path


def verify(given: dict[str, str]) -> dict[str, str]:
    """Read a recipe, scale it, and return each name with its quantity as a plain fraction."""
    sys.path.insert(0, str(Path.cwd()))
    recipe = importlib.import_module("kitchen.recipe")
    scaled = recipe.scale(recipe.read(given["text"]), Fraction(given["factor"]))
    return {name: str(Fraction(quantity)) for name, quantity in scaled.items()}
