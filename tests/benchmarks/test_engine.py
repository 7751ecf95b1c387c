"""The benchmark of the engine: candidates do what they claim, verdicts follow from the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.engine import disk, floor, steps, turns
from benchmarks.engine.page import page
from benchmarks.engine.targets import judge

FIGURES = {
    "steps": {
        "32": {"floor": [{"wall_us": 10.0, "cpu_us": 8.0}], "ledger": [{"wall_us": 25.0, "cpu_us": 24.0}]}
    },
    "turns": {"32": [{"wall_us": 900.0, "cpu_us": 900.0}, {"wall_us": 800.0, "cpu_us": 790.0}]},
    "peers": {
        "dbos": {"steps": {"32": [{"wall_us": 1_000.0, "cpu_us": 900.0}]}},
        "langgraph": {"turns": {"32": [{"wall_us": 1_600.0, "cpu_us": 1_500.0}]}},
    },
    "disk": {"25": {"disk_bytes": 900, "per_sent": 1.5, "per_said": 9.0}},
}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_floor_and_the_ledger_record_every_step(tmp_path: Path) -> None:
    for name, program in steps.CANDIDATES.items():
        (tmp_path / name).mkdir()
        assert (await program(tmp_path / name, 4, 20)).per(20)["wall_us"] > 0
    connection = floor.sqlite3.connect(tmp_path / "floor" / "floor.db")
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (20,)
    connection.close()


@pytest.mark.anyio
async def test_cards_are_driven_to_their_end(tmp_path: Path) -> None:
    assert (await turns.drive(tmp_path, 2, 4)).wall_s > 0  # it fails itself when the run does not end done


@pytest.mark.anyio
async def test_disk_is_measured_against_what_was_said(tmp_path: Path) -> None:
    found = await disk.measure(tmp_path, 6)
    assert found["said_bytes"] < found["sent_bytes"]
    assert found["per_sent"] == found["disk_bytes"] / found["sent_bytes"]


def test_verdicts_take_the_best_repetition() -> None:
    said = {one["row"]: (one["value"], one["pass"]) for one in judge(FIGURES)}
    assert said["durable steps/s, share of the floor, 32 in flight"] == (0.4, False)
    assert said["durable steps/s, times dbos, 32 in flight"] == (40.0, True)
    assert said["governed durable turns/s, 32 in flight (either this …)"] == (1_250.0, False)
    assert said["(… or this) times the fastest framework, langgraph, which records nothing"] == (2.0, False)
    assert said["bytes on disk per byte sent, 25 turns"] == (1.5, True)


def test_the_page_shows_what_was_measured() -> None:
    told = page({**FIGURES, "targets": judge(FIGURES)})
    assert "| the floor | - | 100,000 (8) | - |" in told
    assert "| Orket | - | 1,250 (790) | - |" in told
