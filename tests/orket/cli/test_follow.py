"""Following a run: to its end, past old pauses, and no further than a person's turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import anyio
import pytest

from orket.domain import events as e
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.domain.models import TextDelta
from orket.domain.ports import LedgerReader
from orket.domain.runs import RunStatus
from orket.infrastructure.memory import MemoryLedger, open_ledger
from orket.interfaces.cli.follow import Events, follow
from orket.interfaces.cli.reach import Own, pages, tail
from orket.interfaces.cli.watch import Watch
from orket.orchestration.live import Live
from orket.wire.pieces import PieceView
from tests.contracts.models import ask
from tests.orket.cli import recorded as r

pytestmark = pytest.mark.anyio
OTHER = RunId("0ther0ne")


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 1, 2, 12, tzinfo=UTC)


class Seen:
    """A show that remembers, and says when it has seen enough."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []
        self.pieces: list[PieceView] = []
        self.ticks = 0
        self.parked = anyio.Event()

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None: ...

    def event(self, recorded: Recorded, watch: Watch) -> None:
        self.events.append(recorded)
        if isinstance(recorded.event, e.ToolCallIntended):
            self.parked.set()

    def piece(self, piece: PieceView, watch: Watch) -> None:
        self.pieces.append(piece)
        self.parked.set()

    def tick(self, watch: Watch) -> None:
        self.ticks += 1

    def note(self, text: str) -> None: ...


@asynccontextmanager
async def following(ledger: LedgerReader) -> AsyncIterator[AsyncIterator[Recorded]]:
    async with aclosing(tail(ledger, r.RUN, 0)) as stream:
        yield stream


async def written(ledger: MemoryLedger, events: Sequence[e.Event], run: RunId = r.RUN) -> None:
    await ledger.append(run, list(events))


async def test_it_follows_a_run_that_is_happening_to_its_end():
    watch, seen = Watch.of(r.RUN), Seen()
    async with open_ledger(Noon()) as ledger, anyio.create_task_group() as tasks:
        await written(ledger, r.beginning())
        tasks.start_soon(follow, following(ledger), watch, seen)
        await seen.parked.wait()
        await written(ledger, r.accepted(), OTHER)  # others' events are not ours, and no reason to spin
        await written(ledger, r.ending())
    assert watch.state.status is RunStatus.DONE
    assert [type(one.event) for one in seen.events] == [type(one) for one in [*r.beginning(), *r.ending()]]
    assert seen.ticks >= 1


async def test_what_is_being_written_is_shown_as_long_as_it_is_followed():
    seen, live = Seen(), Live()
    async with open_ledger(Noon()) as ledger, anyio.create_task_group() as tasks:
        await written(ledger, r.accepted())
        own = Own(ledger=ledger, engine=cast("Any", None), live=live)
        watch = Watch.of(r.RUN)
        tasks.start_soon(partial(follow, following(ledger), watch, seen, pieces=own.pieces(r.RUN)))
        with live.writing(r.RUN, ask()) as writing:
            writing.begin("some:model")
            writing.hear(TextDelta("Well, "))
            await seen.parked.wait()
        await written(ledger, [e.RunFinished(status="done")])
    assert [one.text for one in seen.pieces] == ["Well, "]
    assert not live.watchers


async def test_a_run_that_waits_for_a_person_is_not_followed_further():
    watch = Watch.of(r.RUN)
    async with open_ledger(Noon()) as ledger:
        await written(ledger, r.waiting())
        await follow(following(ledger), watch, Seen())
    assert watch.state.status is RunStatus.WAITING_FOR_APPROVAL


async def test_pauses_that_are_history_do_not_end_it():
    watch, seen = Watch.of(r.RUN), Seen()
    known = [*r.beginning(), e.RunPaused(by="ada")]
    async with open_ledger(Noon()) as ledger:
        await written(ledger, [*known, e.RunResumed(by="ada"), *r.ending()])
        last = len(known)
        await follow(following(ledger), watch, seen, shown_after=last, settles_from=last + 1)
    assert watch.state.status is RunStatus.DONE
    assert [one.seq for one in seen.events] == list(range(last + 1, last + 2 + len(r.ending())))


async def test_what_comes_right_after_a_pause_is_still_taken():
    watch = Watch.of(r.RUN)
    canceled = [e.RunPaused(by="ada"), e.RunFinished(status="canceled", reason="enough")]
    async with open_ledger(Noon()) as ledger:
        await written(ledger, [*r.beginning(), *canceled])
        await follow(following(ledger), watch, Seen())
    assert watch.state.status is RunStatus.CANCELED


async def test_a_pause_ends_it_when_nothing_comes_after(anyio_backend: str):
    watch = Watch.of(r.RUN)
    async with open_ledger(Noon()) as ledger:
        await written(ledger, [*r.beginning(), e.RunPaused(by="ada")])
        with anyio.fail_after(5):
            await follow(following(ledger), watch, Seen())
    assert watch.state.status is RunStatus.PAUSED


async def test_without_an_engine_it_ends_where_the_ledger_does():
    watch = Watch.of(r.RUN)

    @asynccontextmanager
    async def read(ledger: LedgerReader) -> AsyncIterator[AsyncIterator[Recorded]]:
        async with aclosing(pages(ledger, r.RUN, 0)) as stream:
            yield stream

    async with open_ledger(Noon()) as ledger:
        await written(ledger, r.beginning())
        events: Events = read(ledger)
        await follow(events, watch, Seen())
    assert watch.state.status is RunStatus.RUNNING
    assert watch.state.last_seq == len(r.beginning())
