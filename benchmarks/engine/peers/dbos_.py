"""DBOS on SQLite: workflows of steps, each step's output recorded by DBOS before the next begins."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dbos import DBOS

from benchmarks.engine.load import STEP_TEXT, Stopwatch
from benchmarks.engine.peers.program import serve


@DBOS.step()
async def step(number: int) -> str:
    return STEP_TEXT


@DBOS.workflow()
async def flow(count: int) -> int:
    for number in range(count):
        await step(number)
    return count


def steps(folder: Path, flight: int, units: int) -> Stopwatch:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{folder / 'dbos.db'}",
            "log_level": "CRITICAL",
            "run_admin_server": False,
        }
    )
    DBOS.launch()

    async def go() -> Stopwatch:
        await flow(1)
        with Stopwatch() as watch:
            handles = [await DBOS.start_workflow_async(flow, units // flight) for _ in range(flight)]
            await asyncio.gather(*(handle.get_result(polling_interval_sec=0.02) for handle in handles))
        return watch

    watch = asyncio.run(go())
    DBOS.destroy()
    return watch


if __name__ == "__main__":
    serve({"steps": steps})
