"""A child process: durable steps on our ledger and on the floor, alternated A B A B."""

from __future__ import annotations

import gc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from benchmarks.engine import floor
from benchmarks.engine.load import STEP_TEXT, Stopwatch, answer
from orket.domain import events as e
from orket.domain.assets import Organization, Workload
from orket.domain.cards import Card
from orket.domain.identifiers import CardId, RunId
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger

RUN = RunId("00000001")
CARD = CardId("A")


async def ledger(folder: Path, flight: int, steps: int) -> Stopwatch:
    """Append ``steps`` single events, ``flight`` at a time, in the engine's real ledger."""
    house = Organization()
    workload = Workload(target="bench", organization=house, epics=(), roles=(), dialects=())
    begin: list[e.Event] = [
        e.RunAccepted(workload=workload, workspace="/bench"),
        e.CardAdded(card=Card(id=CARD, name=CARD)),
    ]
    async with open_ledger(folder / "ledger.db", SystemClock()) as ours:
        await ours.append(RUN, begin)

        async def one() -> None:
            for _ in range(steps // flight):
                await ours.append(RUN, [e.CardCommented(card_id=CARD, author="builder", text=STEP_TEXT)])

        with Stopwatch() as watch:
            async with anyio.create_task_group() as group:
                for _ in range(flight):
                    group.start_soon(one)
    return watch


CANDIDATES = {"floor": floor.measure, "ledger": ledger}


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"counts": {flight: steps}, "repetitions"}`` → µs per step of each repetition."""

    async def measure() -> dict[str, Any]:
        found: dict[str, Any] = {flight: {name: [] for name in CANDIDATES} for flight in order["counts"]}
        for repetition in range(order["repetitions"] + 1):
            for flight, steps in order["counts"].items():
                for name, program in CANDIDATES.items():
                    gc.collect()
                    with TemporaryDirectory() as folder:
                        watch = await program(Path(folder), int(flight), steps)
                    if repetition:  # the first round warms caches and the interpreter
                        found[flight][name].append(watch.per(steps))
        return found

    return anyio.run(measure, backend=order.get("loop", "asyncio"))


if __name__ == "__main__":
    answer(main)
