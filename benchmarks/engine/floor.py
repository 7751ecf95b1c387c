"""The floor: what plain asyncio and ``sqlite3`` need to make one record a step durable.

One thread writes; what is asked for while a commit runs shares the next one. No chain, no projections, no
validation, no idempotency, no bounds: nothing that records durably in Python's SQLite is likely to be faster.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.engine.load import STEP_TEXT, Stopwatch

Row = tuple[str, str, bytes]


class Floor:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE events (seq INTEGER PRIMARY KEY, run TEXT, kind TEXT, body BLOB) STRICT"
        )
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._pump: asyncio.Task[None] | None = None

    async def append(self, row: Row) -> None:
        """Return when the row is durable."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await loop.run_in_executor(self._thread, self._commit, [row for row, _ in batch])
            for _, done in batch:
                done.set_result(None)

    def _commit(self, rows: list[Row]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO events (run, kind, body) VALUES (?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._thread.shutdown()
        self._connection.close()


async def measure(folder: Path, flight: int, steps: int) -> Stopwatch:
    """Do ``steps`` steps, ``flight`` at a time."""
    floor = Floor(folder / "floor.db")
    body = ('{"author":"builder","card_id":"A","text":"' + STEP_TEXT + '"}').encode()

    async def one() -> None:
        for _ in range(steps // flight):
            await floor.append(("r1", "CardCommented", body))

    with Stopwatch() as watch:
        await asyncio.gather(*(one() for _ in range(flight)))
    floor.close()
    return watch
