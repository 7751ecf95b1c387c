"""A child process: how long an engine takes to take up many open runs.

Each run has one card whose model does not answer in time. The clock runs from before the engine is opened
until every run has been taken up, its ledger folded and its open turn put to the model again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from actors import Node
from benchmarks.engine.load import Stopwatch, answer
from benchmarks.engine.workload import write_epic
from orket.bootstrap import Orket, open_orket
from orket.domain import events as e
from orket.orchestration.messages import StartRun
from orket.settings import Settings

DELAY_S = 250.0
STARTS_AT_ONCE = 16


async def measure(folder: Path, runs: int) -> Stopwatch:
    """Leave ``runs`` runs open in their first turn, and take them up again."""
    epic = write_epic(folder / "model", 1, turns=2, delay_s=DELAY_S)
    settings = Settings(data_dir=folder / "data", model_dir=folder / "model", cwd=folder)
    async with open_orket(settings) as orket:
        room = anyio.CapacityLimiter(STARTS_AT_ONCE)
        async with anyio.create_task_group() as group:
            for _ in range(runs):
                group.start_soon(_start, orket, room, StartRun(target=str(epic)))
        await _count(orket, 0, e.TurnStarted, runs)
    with Stopwatch() as watch:
        async with open_orket(settings) as orket:
            while _at_work(orket) < runs:  # noqa: ASYNC110  # nothing tells of a model that is asked
                await anyio.sleep(0.01)
            watch.__exit__()
    return watch


def _at_work(orket: Orket) -> int:
    """Count the workers of the runs; each does nothing but wait for its model."""
    return sum(node.kind == "CardWorker" for node in _below(orket.system.tree()))


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _below(child)


async def _start(orket: Orket, room: anyio.CapacityLimiter, asked: StartRun) -> None:
    async with room:
        await orket.engine.ask(asked, timeout=120)


async def _count(orket: Orket, after: int, kind: type, wanted: int) -> None:
    """Wait until the ledger has so many events of a kind."""
    newest = after
    while wanted > 0:
        for one in await orket.ledger.read(after=after, limit=10_000):
            after = one.seq
            wanted -= isinstance(one.event, kind)
        if wanted > 0:
            newest = await orket.ledger.wait(max(after, newest))


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"runs"}`` → seconds by clock."""

    async def go() -> dict[str, Any]:
        with TemporaryDirectory() as folder:
            watch = await measure(Path(folder), order["runs"])
        return {"runs": order["runs"], "wall_s": watch.wall_s, "cpu_s": watch.cpu_s}

    return anyio.run(go)


if __name__ == "__main__":
    answer(main)
