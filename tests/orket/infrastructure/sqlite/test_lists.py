"""What the writer remembers of the lists never differs from what the tables hold."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from orket.domain.identifiers import RunId
from orket.infrastructure.sqlite import lists, queries
from orket.infrastructure.sqlite.connections import connect_reader
from orket.infrastructure.sqlite.store import Store
from orket.infrastructure.sqlite.verify import verify
from tests.contracts.strategies import History, accepted, comment, histories
from tests.orket.infrastructure.sqlite.appends import an_append

NUMBERS = itertools.count()


@pytest.mark.parametrize("remembered", [0, 1, 1000])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_any_memory_gives_the_same_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remembered: int, history: History
) -> None:
    """One run after another, in one commit and in many; ``verify`` folds the events and compares."""
    monkeypatch.setattr(lists, "REMEMBERED_MAX", remembered)
    for grouped in (True, False):
        path = tmp_path / f"{next(NUMBERS)}.db"
        appends = [an_append(run, *events) for run, events in history]
        with closing(Store.open(path)) as store:
            batches = [appends] if grouped else [[one] for one in appends]
            outcomes = [one for batch in batches for one in store.commit(batch)]
            with closing(connect_reader(path)) as reader:
                for run, _ in history:
                    told = queries.run(reader, run)
                    assert store.remembered(run) in ((told,) if remembered == 1000 else (told, None))
        assert all(isinstance(one, tuple) for one in outcomes)
        assert verify(path).faults == ()


def test_a_refused_append_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "orket.db"
    run = RunId("aaaa0001")
    with closing(Store.open(path)) as store:
        refused, done = store.commit([an_append(run, accepted(), accepted()), an_append(run, accepted())])
        assert not isinstance(refused, tuple)
        assert isinstance(done, tuple)
        store.commit([an_append(run, comment(), accepted()), an_append(run, comment())])
    assert verify(path).faults == ()
    assert verify(path).events == 2
