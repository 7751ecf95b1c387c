"""Group commit: what waits shares the next transaction, nobody's end disturbs the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from orket.domain.errors import StoreError
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.commits import WAITING_MAX, Commits
from orket.infrastructure.sqlite.group import Append, Outcome
from orket.infrastructure.sqlite.ledger import SqliteLedger
from orket.infrastructure.sqlite.readers import Readers
from orket.infrastructure.sqlite.store import Store
from tests.contracts.ledger import A, SteppingClock, seqs
from tests.contracts.strategies import accepted, comment

pytestmark = pytest.mark.anyio


class GatedStore(Store):
    """A real store whose commits wait at a gate and leave their sizes behind."""

    gate: threading.Event
    sizes: list[int]

    def commit(self, batch: Sequence[Append]) -> list[Outcome]:
        self.gate.wait(10)
        self.sizes.append(len(batch))
        return super().commit(batch)


class FaultyStore(Store):
    """A store with a fault of our own making."""

    def commit(self, batch: Sequence[Append]) -> list[Outcome]:
        raise RuntimeError("a fault")


@asynccontextmanager
async def gated(path: Path) -> AsyncIterator[tuple[SqliteLedger, GatedStore, Commits]]:
    store = GatedStore.open(path)
    assert isinstance(store, GatedStore)
    store.gate, store.sizes = threading.Event(), []
    commits, readers = Commits(store), Readers(path)
    commits.start()
    try:
        yield SqliteLedger(readers, commits, SteppingClock()), store, commits
    finally:
        store.gate.set()
        with anyio.CancelScope(shield=True):
            await commits.close()
            await readers.close()
            store.close()


async def test_what_waits_during_a_commit_shares_the_next(tmp_path: Path) -> None:
    async with gated(tmp_path / "orket.db") as (ledger, store, commits), anyio.create_task_group() as tasks:
        tasks.start_soon(ledger.append, A, [accepted()])
        await wait_all_tasks_blocked()
        while commits._waiting:  # the thread has not taken the first one yet
            await anyio.lowlevel.checkpoint()
        for number in range(40):
            tasks.start_soon(ledger.append, A, [comment(text=str(number))])
        await wait_all_tasks_blocked()
        assert store.sizes == []
        store.gate.set()
    assert store.sizes == [1, 40]


async def test_the_queue_is_bounded_and_all_are_answered(tmp_path: Path) -> None:
    async with gated(tmp_path / "orket.db") as (ledger, store, commits):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.append, A, [accepted()])
            await wait_all_tasks_blocked()
            for _ in range(WAITING_MAX + 100):
                tasks.start_soon(ledger.append, A, [comment()])
            await wait_all_tasks_blocked()
            assert len(commits._waiting) <= WAITING_MAX
            store.gate.set()
        assert (await seqs(ledger))[-1] == WAITING_MAX + 101


async def test_who_is_cancelled_while_waiting_is_withdrawn(tmp_path: Path) -> None:
    async with gated(tmp_path / "orket.db") as (ledger, store, commits):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.append, A, [accepted()])
            await wait_all_tasks_blocked()
            while commits._waiting:
                await anyio.lowlevel.checkpoint()
            async with anyio.create_task_group() as canceled:
                canceled.start_soon(ledger.append, A, [comment(text="withdrawn")])
                await wait_all_tasks_blocked()
                canceled.cancel_scope.cancel()
            assert not commits._waiting
            store.gate.set()
        assert await seqs(ledger) == [1]


async def test_who_is_cancelled_during_the_commit_finds_it_by_reading(tmp_path: Path) -> None:
    async with gated(tmp_path / "orket.db") as (ledger, store, commits):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.append, A, [accepted()])
            await wait_all_tasks_blocked()
            while commits._waiting:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        store.gate.set()
        assert await ledger.wait(0) == 1
        assert await seqs(ledger) == [1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_fault_of_the_writer_answers_everyone(tmp_path: Path) -> None:
    answered: list[str] = []

    async def append(number: int) -> None:
        with pytest.raises(StoreError) as refused:
            await ledger.append(A, [accepted()])
        answered.append(str(refused.value))

    store = FaultyStore.open(tmp_path / "orket.db")
    commits = Commits(store)
    ledger = SqliteLedger(Readers(tmp_path / "orket.db"), commits, SteppingClock())
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(append, number)
        await wait_all_tasks_blocked()
        commits.start()
    assert len(answered) == 5
    with pytest.raises(StoreError, match="closed"):
        await ledger.append(A, [accepted()])
    with pytest.raises(StoreError, match="closed"):
        await ledger.wait(0)
    await commits.close()
    store.close()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_cancelled_without_anyio_disturbs_nobody(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "orket.db", SteppingClock()) as ledger:
        await ledger.append(A, [accepted()])
        for steps in range(8):
            tasks = [asyncio.create_task(ledger.append(A, [comment(), comment()])) for _ in range(10)]
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            for task in tasks[::2]:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(one, tuple) for one in ended[1::2])
        found = await seqs(ledger)
        assert found == list(range(1, len(found) + 1))
        assert len(found) % 2 == 1


async def test_an_append_of_nothing_returns_after_a_cancelled_one_that_was_under_way(tmp_path: Path) -> None:
    """Whoever stopped a writer finds out by this what it had on its way."""
    async with gated(tmp_path / "orket.db") as (ledger, store, commits):
        async with anyio.create_task_group() as canceled:
            canceled.start_soon(ledger.append, A, [accepted()])
            await wait_all_tasks_blocked()
            while commits._waiting:
                await anyio.lowlevel.checkpoint()
            canceled.cancel_scope.cancel()
        assert await seqs(ledger) == []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.append, A, ())
            await wait_all_tasks_blocked()
            store.gate.set()
        assert await seqs(ledger) == [1]
