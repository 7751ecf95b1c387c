"""Failing schedules are kept in Hypothesis' example database and tried first the next time."""

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase, InMemoryExampleDatabase

from actors.testing import Schedule, Simulation, _memory, explore, simulate
from actors.testing.hypothesis import Examples, examples
from tests.testing.bugs.catalogue import BUGS

LOST_UPDATE = next(bug for bug in BUGS if bug.name == "lost_update")


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Examples:
    kept = Examples(InMemoryExampleDatabase())
    monkeypatch.setattr(_memory, "find", lambda: kept)
    return kept


def failing(seed: int) -> str:
    @simulate(schedules=100, backends=["asyncio"], seed=seed)
    async def program(sim: Simulation) -> None:
        await LOST_UPDATE.buggy(sim)

    with pytest.raises(AssertionError) as caught:
        program()  # type: ignore[call-arg,unused-coroutine]  # the decorator fills it in, and it is synchronous
    return "".join(caught.value.__notes__)


def test_what_failed_is_tried_first_the_next_time(memory: Examples) -> None:
    assert "remembered" not in failing(1)
    again = failing(2)
    assert "remembered from an earlier run: found by schedule 1 " in again


def test_what_passes_again_is_forgotten(memory: Examples) -> None:
    broken = True

    async def program(sim: Simulation) -> None:
        await (LOST_UPDATE.buggy if broken else LOST_UPDATE.fixed)(sim)

    name = _memory.name_of(program)
    assert name is not None
    assert explore(program) is not None
    assert len(memory.recall(name)) == 2
    broken = False
    assert explore(program, schedules=10) is None
    assert memory.recall(name) == []


def test_nothing_is_kept_where_it_is_not_wanted(memory: Examples) -> None:
    assert explore(LOST_UPDATE.buggy, remember=False) is not None
    assert memory.recall(_memory.name_of(LOST_UPDATE.buggy) or "") == []


def test_what_another_version_wrote_is_passed_over(memory: Examples) -> None:
    memory.keep("it", "asyncio:x9-what")
    memory.keep("it", "trio:s1-pct-2")
    assert _memory.Remembered("it").recall("asyncio") == []
    assert _memory.Remembered("it").recall("trio") == [Schedule(2, strategy="pct")]


def test_what_the_world_does_not_allow_is_not_tried(memory: Examples) -> None:
    async def program(sim: Simulation) -> None:
        await LOST_UPDATE.fixed(sim)

    name = _memory.name_of(program)
    assert name is not None
    memory.keep(name, f"asyncio:{Schedule(deviations={'!crash:system/x#0@1': 'yes'}).token}")
    assert explore(program, schedules=2) is None
    assert memory.recall(name) == []


def test_parameters_belong_to_the_name() -> None:
    names = {_memory.name_of(failing, {"seed": seed, "path": Path()}) for seed in (1, 1, 2)}
    assert len(names) == 2


def test_the_database_is_that_of_the_profile(tmp_path: Path) -> None:
    before = settings.default
    assert before is not None
    settings.register_profile("with", database=DirectoryBasedExampleDatabase(tmp_path))
    settings.register_profile("without", database=None)
    try:
        settings.load_profile("with")
        kept = examples()
        assert kept is not None
        kept.keep("name", "text")
        assert kept.recall("name") == ["text"]
        assert list(tmp_path.iterdir())
        settings.load_profile("without")
        assert examples() is None
    finally:
        settings.load_profile("suite")
