"""The golden histories replay: what the engine decided then, it decides now."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap.replaying import replay_run
from orket.domain.runs import RunState, RunStatus
from orket.settings import Settings
from tests.orket.histories import load, names

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", names())
async def test_a_golden_history_is_reproduced(name: str, tmp_path: Path) -> None:
    history = load(name)
    assert RunState.fold(history[0].run_id, history).status is RunStatus.DONE
    report = await replay_run(Settings(data_dir=tmp_path, model_dir=tmp_path, cwd=tmp_path), history)
    told = "after a change that is meant: python -m tests.orket.histories"
    assert report.difference is None, f"{report.difference}\n{told}"
    assert report.events == len(history)


def test_there_are_histories() -> None:
    assert names() == ["approval", "demo"]
