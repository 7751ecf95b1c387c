"""What the newest events in memory answer is what the database would."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.errors import StoreError
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger, open_reader
from orket.infrastructure.sqlite.tail import Tail
from tests.contracts.ledger import START
from tests.contracts.strategies import accepted, comment

RUNS = (RunId("a"), RunId("b"))
COMMITS = st.lists(st.lists(st.tuples(st.sampled_from(RUNS), st.integers(1, 9)), max_size=4), max_size=8)


@given(COMMITS, st.integers(0, 3), st.sampled_from((None, *RUNS)), st.integers(0, 30), st.integers(0, 9))
def test_it_answers_as_the_whole_ledger_would_or_not_at_all(
    commits: list[list[tuple[RunId, int]]], start: int, run: RunId | None, after: int, limit: int
) -> None:
    tail, ledger = Tail(start, events_max=6, body_bytes_max=20), []
    for commit in commits:
        first = start + len(ledger) + 1
        new = [
            Recorded(seq=first + at, at=START, run_id=name, event=e.RunResumed(by="x"))
            for at, (name, _) in enumerate(commit)
        ]
        tail.add(new, [size for _, size in commit])
        ledger += new
    found = tail.read(run, after, limit)
    if found is None:
        assert after < start + len(ledger)  # whoever has everything is never sent to the database
    else:
        assert after >= start
        assert found == tuple(one for one in ledger if one.seq > after and run in (None, one.run_id))[:limit]


@pytest.mark.anyio
async def test_a_follower_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "orket.db"
    async with open_ledger(path, SystemClock()) as ledger:
        await ledger.append(RUNS[0], [accepted(), comment(text="before")])
    async with open_ledger(path, SystemClock()) as ledger, open_reader(path) as reader:
        assert await ledger.read(RUNS[0], after=2) == ()
        await ledger.append(RUNS[1], [accepted()])
        await ledger.append(RUNS[0], [comment(text="after")])
        for after in range(5):
            for run in (None, *RUNS):
                assert await ledger.read(run, after=after) == await reader.read(run, after=after)


@pytest.mark.anyio
async def test_a_closed_ledger_answers_nothing(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "orket.db", SystemClock()) as ledger:
        await ledger.append(RUNS[0], [accepted()])
    with pytest.raises(StoreError):
        await ledger.read(RUNS[0])
