"""Every sandbox driver against two ways out of each kind; ``long_sandbox`` tries the whole corpus."""

from itertools import groupby
from pathlib import Path

import pytest

from orket.domain.ports import SandboxDriver
from orket.infrastructure.sandboxes.bubblewrap import BubblewrapDriver
from tests.contracts.breakouts import against, world
from tests.contracts.escape_table import PAGE, fresh
from tests.contracts.escapes import ATTEMPTS, KEPT, UNTRIED
from tests.contracts.sandbox_drivers import DRIVERS, working

# What can get out is the command; the loop that waits for it plays no part, so each level has one of them.
LEVELS = tuple(zip(DRIVERS, ("trio", "asyncio", "trio", "asyncio"), strict=True))


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "anyio_backend"), LEVELS, ids=[kind.name for kind in DRIVERS])
async def test_each_way_out_ends_as_stated(
    kind: type[SandboxDriver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_SECRET", "hunter2")
    with world(tmp_path) as outside:
        some = [one for _, group in groupby(ATTEMPTS, lambda one: one.kind) for one in list(group)[:2]]
        assert await against(some, working(kind), outside, tmp_path) == {}
    assert (tmp_path / "outside" / "secret").read_text() == "secret"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_a_view_of_a_project_keeps_as_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_SECRET", "hunter2")
    with world(tmp_path) as outside:
        some = [next(group) for _, group in groupby(ATTEMPTS, lambda one: one.kind)]
        assert await against(some, working(BubblewrapDriver), outside, tmp_path, overlaid=True) == {}


def test_the_corpus_is_wide() -> None:
    for level in (1, 2, 3):
        assert sum(one.levels[level] != UNTRIED for one in ATTEMPTS) >= 60
    assert all(one.levels[2] == KEPT for one in ATTEMPTS)
    assert len({one.name for one in ATTEMPTS}) == len(ATTEMPTS)


def test_the_manual_shows_what_the_tests_see() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == fresh(page), "run: python -m tests.contracts.escape_table"
