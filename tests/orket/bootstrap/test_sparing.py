"""What an engine loads and keeps: no module and no event that it does not need."""

from __future__ import annotations

import gc
import linecache
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio
import attrs
import pytest

from orket.bootstrap.sparing import forget_generated_sources
from orket.domain.runs import RunState
from orket.infrastructure.sqlite.tail import EVENTS_MAX
from orket.orchestration.messages import CancelRun
from tests.orket.kit import Bench, call, issue, plain, settled

pytestmark = pytest.mark.anyio

#: What only some engines and some commands need, each a megabyte or a part of one.
NOT_NEEDED = (
    "difflib",
    "email",
    "http.client",
    "httpx2",
    "importlib.metadata",
    "importlib.resources",
    "orket.bootstrap.mcp",
    "orket.bootstrap.reviewing",
    "orket.infrastructure.memory",
    "orket.infrastructure.sandboxes.bubblewrap",
    "orket.infrastructure.sandboxes.container",
    "orket.infrastructure.sandboxes.process",
    "orket.infrastructure.sqlite.export",
    "orket.infrastructure.sqlite.verify",
    "orket.infrastructure.workspaces.applying",
    "orket.orchestration.replay",
    "shlex",
    "shutil",
    "starlette",
    "tarfile",
    "tempfile",
    "zipfile",
)
OF_A_RUN = ("RunState", "CardFile", "Notebook", "TurnState", "CallState")
OPEN = """
import sys
from pathlib import Path
import anyio
from orket.bootstrap import open_orket
from orket.settings import load_settings

async def look():
    async with open_orket(load_settings({}, Path.cwd())) as orket:
        assert orket.alive()

anyio.run(look)
print(*sorted(sys.modules))
"""


def test_an_engine_at_rest_has_loaded_only_what_it_needs(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", OPEN], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    loaded = set(told.stdout.split())
    assert "orket.orchestration.engine" in loaded
    assert sorted(loaded.intersection(NOT_NEEDED)) == []


def test_sources_of_generated_methods_are_dropped_for_our_classes_only() -> None:
    def generated() -> set[str]:
        return {one for one in linecache.cache if one.startswith("<attrs generated")}

    attrs.frozen(type("Ours", (), {"__annotations__": {"one": int}, "__module__": "orket.domain.trial"}))
    attrs.frozen(type("Theirs", (), {"__annotations__": {"one": int}, "__module__": "orketeer"}))
    assert {one.split()[-1] for one in generated()} >= {"orket.domain.trial.Ours>", "orketeer.Theirs>"}
    forget_generated_sources()
    assert not {one for one in generated() if " orket." in one or " actors." in one}
    assert "<attrs generated methods orketeer.Theirs>" in generated()


async def test_nothing_of_a_finished_run_is_kept_but_the_newest_events(tmp_path: Path) -> None:
    before = _alive()  # what other tests of this process have left
    bench = Bench(tmp_path)
    names = [f"A-{number}" for number in range(12)]
    target = bench.epic([issue(one) for one in names], [line for one in names for line in plain(one)])
    async with bench.engine() as orket:
        for _ in range(3):
            state = await settled(orket, await bench.start(orket, target))
            assert state.status == "done"
        del state
        with anyio.fail_after(10):  # the last run's actors end after it was told of
            while any((kept := _alive())[name] > before[name] for name in OF_A_RUN):
                await anyio.wait_all_tasks_blocked()
        assert kept["Recorded"] - before["Recorded"] <= EVENTS_MAX


def _alive() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects())


async def test_a_run_forgets_the_turns_of_cards_that_have_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    ring = call("run_command", argv=["sh", "-c", "echo x > bell; exec sleep 60"])
    target = bench.epic([issue("A"), issue("B", "A")], [*plain("A"), *plain("B", ring)])
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, target)
        await bell.rung()
        gc.collect()
        runs = [one for one in gc.get_objects() if isinstance(one, RunState) and one.run_id == run_id]
        states = [one for one in runs if len(one.issues) == 2]
        assert [sorted(one.turns) for one in states] == [[]]  # it hears of B when B comes to rest
        await orket.engine.ask(CancelRun(run_id=run_id, by="test"), timeout=20)
