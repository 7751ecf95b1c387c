"""A child process: governed, durable agent turns through the whole engine, with the scripted model."""

from __future__ import annotations

import gc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from benchmarks.engine.load import TURNS_PER_CARD, Stopwatch, answer
from benchmarks.engine.workload import ended, write_epic
from orket.bootstrap import Orket, open_orket
from orket.domain.identifiers import CardId
from orket.orchestration.messages import StartRun
from orket.settings import Settings

PARALLEL_MAX = 32


async def drive(folder: Path, flight: int, cards: int) -> Stopwatch:
    """Take ``cards`` cards to their end, ``flight`` at a time: in runs of up to 32 in parallel."""
    runs = max(1, flight // PARALLEL_MAX)
    epic = write_epic(folder / "model", cards // runs)
    settings = Settings(data_dir=folder / "data", model_dir=folder / "model", cwd=folder)
    async with open_orket(settings) as orket:
        await _run(orket, StartRun(target=str(epic), only=CardId("CARD-0")))  # the script is read, code warm
        with Stopwatch() as watch:
            async with anyio.create_task_group() as group:
                for _ in range(runs):
                    group.start_soon(_run, orket, StartRun(target=str(epic), parallel=flight // runs))
    return watch


async def _run(orket: Orket, asked: StartRun) -> None:
    run_id = (await orket.engine.ask(asked, timeout=60)).run_id
    await ended(orket, run_id)


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"counts": {flight: cards}, "repetitions"}`` → µs per turn of each repetition."""

    async def measure() -> dict[str, Any]:
        found: dict[str, Any] = {flight: [] for flight in order["counts"]}
        for repetition in range(order["repetitions"] + 1):
            for flight, cards in order["counts"].items():
                gc.collect()
                with TemporaryDirectory() as folder:
                    watch = await drive(Path(folder), int(flight), cards)
                if repetition:
                    found[flight].append(watch.per(cards * TURNS_PER_CARD))
        return found

    return anyio.run(measure, backend=order.get("loop", "asyncio"))


if __name__ == "__main__":
    answer(main)
