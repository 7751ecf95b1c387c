"""What each peer's file ends with: run one part of the load and print one line of JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from benchmarks.engine.load import Stopwatch


class Program(Protocol):
    """Does ``units`` steps or turns, ``flight`` at a time, in ``folder``; its watch covers only that."""

    def __call__(self, folder: Path, flight: int, units: int) -> Stopwatch: ...


def serve(programs: Mapping[str, Program]) -> None:
    """Run what ``argv`` asks for: ``{"part", "flight", "units", "distribution"}``."""
    logging.disable()
    order: dict[str, Any] = json.loads(sys.argv[1])
    program = programs[order["part"]]
    with TemporaryDirectory() as folder:
        if order["part"] == "turns":  # nothing is set up on disk; the first conversations warm caches
            program(Path(folder), 1, 12)
        watch = program(Path(folder), order["flight"], order["units"])
    found = watch.per(order["units"]) | {"version": version(order["distribution"])}
    print(json.dumps(found), flush=True)
