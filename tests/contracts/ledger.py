"""The conformance suite of the ledger port: what every adapter promises, on both event loops."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta

import anyio
import attrs
import pytest
from anyio import wait_all_tasks_blocked
from hypothesis import HealthCheck, given, settings

from orket.domain import events as e
from orket.domain.cards import Card, CardStatus
from orket.domain.errors import IdempotencyConflict, StoreError
from orket.domain.identifiers import ENGINE, BlobId, CardId, RunId, blob_id
from orket.domain.ports import Clock, CommandKey, Ledger
from orket.domain.runs import FINAL_RUN, RunState, RunStatus
from tests.contracts.strategies import History, accepted, comment, histories

A, B = RunId("aaaa0001"), RunId("bbbb0002")
START = datetime(2031, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


class SteppingClock:
    """A clock that moves on by a second each time it is read."""

    def __init__(self) -> None:
        self._next = START

    def now(self) -> datetime:
        now, self._next = self._next, self._next + timedelta(seconds=1)
        return now


Opening = Callable[[Clock], AbstractAsyncContextManager[Ledger]]


async def seqs(ledger: Ledger, run: RunId | None = None) -> list[int]:
    """All sequence numbers, in the order in which the ledger gives them."""
    return [one.seq for one in await ledger.read(run, limit=100_000)]


@pytest.mark.anyio
class LedgerContract:
    """Derive from this, give the fixture ``opening``: a new, empty ledger at each call."""

    @pytest.fixture
    def opening(self) -> Opening:
        raise NotImplementedError

    async def test_events_are_recorded_in_order_with_the_clocks_time(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            first = await ledger.append(A, [accepted(), comment(text="one")])
            second = await ledger.append(B, [accepted()])
            third = await ledger.append(A, [comment(text="two")])
            assert [one.seq for one in (*first, *second, *third)] == [1, 2, 3, 4]
            assert [one.at for one in (*first, *second)] == [START, START, START + timedelta(seconds=1)]
            assert await ledger.read() == (*first, *second, *third)
            assert await ledger.read(A) == (*first, *third)
            assert await ledger.read(RunId("unknown")) == ()
            assert first[0].at.tzinfo is UTC

    async def test_times_of_another_zone_are_kept_in_utc(self, opening: Opening) -> None:
        class Elsewhere:
            def now(self) -> datetime:
                return START.astimezone(datetime.strptime("+0930", "%z").tzinfo)

        async with opening(Elsewhere()) as ledger:
            (one,) = await ledger.append(A, [accepted()])
            assert (one.at, one.at.utcoffset()) == (START, timedelta(0))
            assert await ledger.read() == (one,)

    async def test_two_hundred_at_once_leave_no_gap_and_stay_whole(self, opening: Opening) -> None:
        answers: dict[int, Sequence[e.Recorded]] = {}

        async def append(number: int) -> None:
            said = [comment(text=f"{number}.{part}") for part in range(1 + number % 3)]
            answers[number] = await ledger.append((A, B)[number % 2], said)

        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            await ledger.append(B, [accepted()])
            async with anyio.create_task_group() as tasks:
                for number in range(200):
                    tasks.start_soon(append, number)
            stored = await ledger.read(limit=10_000)
            assert [one.seq for one in stored] == list(range(1, len(stored) + 1))
            assert len(stored) == 2 + sum(1 + number % 3 for number in range(200))
            for recorded in answers.values():
                assert stored[recorded[0].seq - 1 : recorded[-1].seq] == tuple(recorded)

    async def test_what_append_has_answered_is_visible(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            for number in range(20):
                (one,) = await ledger.append(A, [comment(text=str(number))])
                assert (await ledger.read(after=one.seq - 1)) == (one,)
                run = await ledger.run(A)
                assert run is not None
                assert run.last_seq == one.seq

    async def test_pages_of_events(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted(), *(comment(text=str(n)) for n in range(9))])
            await ledger.append(B, [accepted()])
            pages = [await ledger.read(after=after, limit=4) for after in (0, 4, 8, 11)]
            assert [[one.seq for one in page] for page in pages] == [
                [1, 2, 3, 4],
                [5, 6, 7, 8],
                [9, 10, 11],
                [],
            ]
            assert [one.seq for one in await ledger.read(A, after=8, limit=4)] == [9, 10]
            assert await ledger.read(limit=0) == ()

    async def test_pages_of_runs_newest_first(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            names = [RunId(f"run{number}") for number in range(7)]
            for name in names:
                await ledger.append(name, [accepted(target=name, workspace="w"), comment()])
            await ledger.append(names[1], [e.RunFinished(status="failed", reason="it broke")])
            await ledger.append(names[2], [e.RunPaused(by="me")])
            first = await ledger.runs(limit=3)
            second = await ledger.runs(before=first[-1].accepted_seq, limit=3)
            third = await ledger.runs(before=second[-1].accepted_seq, limit=3)
            assert [one.run_id for one in (*first, *second, *third)] == names[::-1]
            still_open = await ledger.runs(open_only=True)
            assert [one.run_id for one in still_open] == [*names[:1], *names[2:]][::-1]
            failed = await ledger.run(names[1])
            assert failed is not None
            assert (failed.status, failed.reason, failed.target) == (RunStatus.FAILED, "it broke", names[1])
            assert failed.finished_at == START + timedelta(seconds=7)
            assert await ledger.run(RunId("unknown")) is None

    async def test_a_key_is_used_once(self, opening: Opening) -> None:
        key = CommandKey(key="k", fingerprint="f")
        async with opening(SteppingClock()) as ledger:
            assert await ledger.run_for_key(key) is None
            await ledger.append(A, [accepted()], key=key)
            for again in (key, CommandKey(key="k", fingerprint="other")):
                with pytest.raises(IdempotencyConflict):
                    await ledger.append(B, [accepted()], blobs=[b"lost"], key=again)
            assert await ledger.run_for_key(key) == A
            with pytest.raises(IdempotencyConflict):
                await ledger.run_for_key(CommandKey(key="k", fingerprint="other"))
            assert (await seqs(ledger), await ledger.run(B)) == ([1], None)
            assert await ledger.blob(blob_id(b"lost")) is None

    async def test_of_many_with_one_key_one_wins(self, opening: Opening) -> None:
        outcomes: Counter[str] = Counter()

        async def start(number: int) -> None:
            try:
                await ledger.append(RunId(f"r{number}"), [accepted(), comment()], key=key)
                outcomes["won"] += 1
            except IdempotencyConflict:
                outcomes["lost"] += 1

        key = CommandKey(key="k", fingerprint="f")
        async with opening(SteppingClock()) as ledger:
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(start, number)
            assert outcomes == {"won": 1, "lost": 19}
            assert await seqs(ledger) == [1, 2]
            (winner,) = await ledger.runs()
            assert await ledger.run_for_key(key) == winner.run_id

    async def test_one_that_is_refused_does_not_take_its_neighbours_along(self, opening: Opening) -> None:
        refused: list[int] = []

        async def append(number: int) -> None:
            unknown = e.CardRetried(card_id=CardId("nobody"), retry_count=1, note="")
            try:
                await ledger.append(A, [comment(text=str(number)), *([unknown] if number % 5 == 0 else [])])
            except StoreError:
                refused.append(number)

        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            async with anyio.create_task_group() as tasks:
                for number in range(50):
                    tasks.start_soon(append, number)
            stored = await ledger.read()
            assert sorted(refused) == list(range(0, 50, 5))
            assert [one.seq for one in stored] == list(range(1, 42))
            said = {int(one.event.text) for one in stored if isinstance(one.event, e.CardCommented)}
            assert said == set(range(50)) - set(refused)

    @pytest.mark.parametrize(
        "events",
        [
            [comment()],
            [e.RunPaused(by="me"), accepted()],
            [accepted(), accepted()],
            [accepted(), e.RunFinished(status="perhaps")],
            [accepted(), e.CardRetried(card_id=CardId("A"), retry_count=1, note="")],
            [accepted(), comment(text="\ud800")],
            [accepted(), e.CardAdded(card=Card(id=CardId("A"), name="A", priority=math.nan))],
        ],
        ids=["no-run", "too-early", "twice", "no-such-status", "no-such-card", "surrogate", "nan"],
    )
    async def test_what_cannot_be_is_refused_whole(self, opening: Opening, events: list[e.Event]) -> None:
        async with opening(SteppingClock()) as ledger:
            with pytest.raises(StoreError):
                await ledger.append(A, events, blobs=[b"lost"], key=CommandKey(key="k", fingerprint="f"))
            assert (await ledger.read(), await ledger.runs(), await ledger.cards()) == ((), (), ())
            assert await ledger.blob(blob_id(b"lost")) is None
            assert (await ledger.append(A, [accepted()]))[0].seq == 1

    async def test_a_run_is_accepted_once(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            with pytest.raises(StoreError, match="accepted before"):
                await ledger.append(A, [accepted()])
            assert await seqs(ledger) == [1]

    async def test_what_the_engine_says_of_itself_is_recorded_and_makes_no_list(
        self, opening: Opening
    ) -> None:
        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            halted = await ledger.append(ENGINE, [e.EngineHalted(by="tester")])
            assert (await ledger.read(ENGINE), await seqs(ledger)) == (halted, [1, 2])
            assert [one.run_id for one in await ledger.runs()] == [A]
            assert await ledger.run(ENGINE) is None
            with pytest.raises(StoreError, match="no event of the engine"):
                await ledger.append(ENGINE, [accepted()])

    async def test_a_cancelled_append_happens_whole_or_not_at_all(self, opening: Opening) -> None:
        async def append(number: int) -> None:
            await ledger.append(A, [comment(text=f"{number}")] * 3)

        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            for steps in range(6):  # so many turns of the loop before the cancellation strikes
                async with anyio.create_task_group() as tasks:
                    for number in range(10):
                        tasks.start_soon(append, 10 * steps + number)
                    for _ in range(steps):
                        await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()
                await ledger.append(A, [comment(text="-1")] * 3)
            stored = await ledger.read(limit=10_000)
            assert [one.seq for one in stored] == list(range(1, len(stored) + 1))
            texts = [one.event.text for one in stored if isinstance(one.event, e.CardCommented)]
            assert texts[::3] == texts[1::3] == texts[2::3]
            assert all(count == 3 for text, count in Counter(texts).items() if text != "-1")

    async def test_nothing_is_recorded_by_a_scope_cancelled_before(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await ledger.append(A, [accepted()])
            assert scope.cancelled_caught
            assert await ledger.read() == ()

    async def test_blobs_are_found_by_their_content(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()], blobs=[b"one", b"two", b"one", b""])
            await ledger.append(A, [], blobs=[b"two", b"three"])
            for content in (b"one", b"two", b"three", b""):
                assert await ledger.blob(blob_id(content)) == content
            assert await ledger.blob(blob_id(b"four")) is None
            assert await ledger.blob(BlobId("not an id")) is None
            assert await seqs(ledger) == [1]

    async def test_cards_are_listed_as_added(self, opening: Opening) -> None:
        async with opening(SteppingClock()) as ledger:
            for run in (A, B):
                await ledger.append(run, [accepted(), e.CardAdded(card=Card(id=CardId("Z"), name="z"))])
            await ledger.append(A, [e.CardAdded(card=Card(id=CardId("A"), name="a"))])
            moved = e.CardStatusChanged(
                card_id=CardId("Z"), previous=CardStatus.READY, status=CardStatus.IN_PROGRESS, by="coder"
            )
            await ledger.append(A, [moved])
            found = [(one.id, one.status) for one in await ledger.cards(A)]
            assert found == [("Z", CardStatus.IN_PROGRESS), ("A", CardStatus.READY)]
            assert [one.id for one in await ledger.cards()] == ["Z", "Z", "A"]
            assert await ledger.cards(RunId("unknown")) == ()

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(history=histories())
    async def test_lists_equal_the_fold_of_the_events(self, opening: Opening, history: History) -> None:
        """Whatever happens in whatever order, runs and cards say what their events say."""
        async with opening(SteppingClock()) as ledger:
            for run, batch in history:
                await ledger.append(run, batch)
            stored = await ledger.read(limit=100_000)
            assert [one.event for one in stored] == [event for _, batch in history for event in batch]
            for run in {run for run, _ in history}:
                own = await ledger.read(run, limit=100_000)
                assert own == tuple(one for one in stored if one.run_id == run)
                state = RunState.fold(run, own)
                summary = await ledger.run(run)
                assert summary is not None
                assert (summary.status, summary.reason) == (state.status, state.reason)
                assert (summary.accepted_seq, summary.last_seq) == (own[0].seq, state.last_seq)
                assert summary.accepted_at == own[0].at
                assert (summary.finished_at is not None) == (summary.status in FINAL_RUN)
                assert await ledger.cards(run) == tuple(state.cards.values())

    async def test_wait_returns_at_once_or_when_something_is_committed(self, opening: Opening) -> None:
        seen: list[int] = []

        async def watch(after: int) -> None:
            newest = await ledger.wait(after)
            seen.append(after)
            assert [one.seq for one in await ledger.read()][-1] >= newest > after

        async with opening(SteppingClock()) as ledger:
            async with anyio.create_task_group() as tasks:
                for after in (0, 1, 2, 2, 4):
                    tasks.start_soon(watch, after)
                await wait_all_tasks_blocked()
                assert seen == []
                await ledger.append(A, [accepted(), comment()])
                await wait_all_tasks_blocked()
                assert sorted(seen) == [0, 1]
                with suppress(StoreError):
                    await ledger.append(B, [comment()])
                await ledger.append(A, [comment(), comment()])
                await wait_all_tasks_blocked()
                assert sorted(seen) == [0, 1, 2, 2]
                await ledger.append(A, [comment()])
            assert await ledger.wait(0) == await ledger.wait(4) == 5

    async def test_who_waits_for_a_run_is_not_woken_for_others(self, opening: Opening) -> None:
        woken: list[int] = []

        async def watch(after: int) -> None:
            woken.append(await ledger.wait(after, A))

        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            await watch(0)  # at once, whoever's the events are: one may have been missed
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch, 1)
                await wait_all_tasks_blocked()
                await ledger.append(B, [accepted()])
                await wait_all_tasks_blocked()
                assert woken == [1]
                await ledger.append(A, [comment()])
            assert woken == [1, 3]

    async def test_a_watcher_misses_nothing(self, opening: Opening) -> None:
        """The watcher reads and waits while others write; it sees every event once, in order."""

        async def write() -> None:
            for number in range(20):
                await ledger.append(A, [comment(text=str(number))])

        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(write)
                last = 0
                while last < 101:
                    await ledger.wait(last)
                    page = await ledger.read(after=last, limit=7)
                    assert [one.seq for one in page] == list(range(last + 1, last + 1 + len(page)))
                    last = page[-1].seq

    async def test_closing_ends_waits_and_refuses_appends(self, opening: Opening) -> None:
        ended: list[str] = []

        async def watch() -> None:
            with pytest.raises(StoreError, match="closed"):
                await ledger.wait(1)
            ended.append("watch")

        async with anyio.create_task_group() as tasks, opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted()])
            tasks.start_soon(watch)
            await wait_all_tasks_blocked()
        assert ended == ["watch"]
        with pytest.raises(StoreError, match="closed"):
            await ledger.append(A, [comment()])

    async def test_a_cancelled_block_ends_and_answers_everyone(self, opening: Opening) -> None:
        answers: Counter[str] = Counter()

        async def append(number: int) -> None:
            try:
                await ledger.append(A, [comment(text=str(number))])
                answers["recorded"] += 1
            except StoreError:
                answers["refused"] += 1

        async with anyio.create_task_group() as outside:
            with anyio.CancelScope() as scope:
                async with opening(SteppingClock()) as ledger:
                    await ledger.append(A, [accepted()])
                    for number in range(50):
                        outside.start_soon(append, number)
                    await anyio.lowlevel.checkpoint()
                    scope.cancel()
                    await anyio.sleep_forever()
        assert answers.total() == 50

    async def test_an_error_of_the_block_comes_out_as_it_is(self, opening: Opening) -> None:
        with pytest.raises(LookupError, match="mine"):
            async with opening(SteppingClock()):
                raise LookupError("mine")

    async def test_values_are_given_back_as_they_were(self, opening: Opening) -> None:
        card = Card(id=CardId("A"), name="名前 \x00 \U0001f600", labels=("x", "y"), priority=0.1)
        async with opening(SteppingClock()) as ledger:
            await ledger.append(A, [accepted(), e.CardAdded(card=card)])
            assert (await ledger.read())[1].event == e.CardAdded(card=card)
            assert await ledger.cards() == (card,)
            assert attrs.asdict((await ledger.cards())[0]) == attrs.asdict(card)
