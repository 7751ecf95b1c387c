"""A child process: resident memory and import time, each in an interpreter of its own.

What is measured is a process that runs an engine. So this module imports nothing before it has looked that
the engine would not import itself: the measuring program is not to be measured along.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import anyio

from benchmarks.engine.load import answer

IMPORT = """
import time
began, worked = time.perf_counter(), time.process_time()
{}
print((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000)
"""
#: What is imported, by the name it is reported under. ``orket.bootstrap``: all that an engine opens with.
STATEMENTS = {
    "orket": "import orket",
    "orket.bootstrap": "from orket.bootstrap import open_orket",
    "actors": "import actors",
}


def resident_mb() -> float:
    """Resident memory of this process now, in MB (10⁶ bytes); shared libraries count."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return float(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("this system does not tell resident memory")


async def resident(folder: Path, cards: int) -> dict[str, float]:
    """An engine at rest, and after it has finished a run of so many cards."""
    from benchmarks.engine.workload import ended, write_epic
    from orket.bootstrap import open_orket
    from orket.orchestration.messages import StartRun
    from orket.settings import Settings

    epic = write_epic(folder / "model", cards)
    settings = Settings(data_dir=folder / "data", model_dir=folder / "model", cwd=folder)
    async with open_orket(settings) as orket:
        idle = resident_mb()
        run_id = (await orket.engine.ask(StartRun(target=str(epic), parallel=32), timeout=60)).run_id
        await ended(orket, run_id)
        return {"idle_mb": idle, "after_mb": resident_mb(), "cards": cards}


def imports(repetitions: int) -> dict[str, dict[str, float]]:
    """Milliseconds that each import takes in a fresh interpreter whose bytecode is cached."""
    import statistics
    from tempfile import TemporaryDirectory

    found = {}
    with TemporaryDirectory() as folder:
        for module, statement in STATEMENTS.items():
            times = [_import_ms(statement, folder) for _ in range(repetitions + 1)][1:]
            elapsed_ms, cpu_ms = zip(*times, strict=True)
            found[module] = {
                "min_ms": min(elapsed_ms),
                "median_ms": statistics.median(elapsed_ms),
                "cpu_min_ms": min(cpu_ms),
            }
    return found


def _import_ms(statement: str, cache: str) -> tuple[float, float]:
    """Import once; bytecode is kept in ``cache``, also where the environment says that none is to be."""
    import subprocess

    environ = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", IMPORT.format(statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    elapsed_ms, cpu_ms = map(float, done.stdout.split())
    return elapsed_ms, cpu_ms


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"repetitions", "cards", "folder"}``, which is empty → memory (measured first) and imports."""
    memory = anyio.run(resident, Path(order["folder"]), order["cards"])
    return {"memory": memory, "imports": imports(order["repetitions"])}


if __name__ == "__main__":
    answer(main)
