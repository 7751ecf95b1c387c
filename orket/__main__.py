"""``python -m orket``, and the ``orket`` command."""

from __future__ import annotations

import sys

from orket.interfaces.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
