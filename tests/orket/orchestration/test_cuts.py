"""Wherever a crash cuts a ledger off, the run comes to its end: each commit of a run is tried as the last."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import anyio
import attrs
import pytest

from orket.bootstrap import Orket
from orket.domain import events as e
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunState, RunStatus
from orket.domain.seat_notes import received_by
from orket.domain.tools import HumanVerdict
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.verify import verify
from orket.orchestration.messages import DecideCall
from tests.orket.kit import Bench, call, issue, plain, reply, settled, status
from tests.orket.orchestration.test_notes import house

pytestmark = pytest.mark.anyio

PAGE = 1000
COMMAND = call("run_command", argv=["sh", "-c", "echo x"])


async def to_the_end(orket: Orket, run_id: RunId) -> RunState:
    """Approve whatever asks, say that what is in doubt has not happened, until nothing is left to say."""
    while (state := await settled(orket, run_id)).status is RunStatus.WAITING_FOR_APPROVAL:
        for one in state.waiting_calls():
            assert state.cards[one.call.card_id].wait_note
            verdict = HumanVerdict.DID_NOT_HAPPEN if one.doubt else HumanVerdict.APPROVE
            decision = DecideCall(run_id=run_id, call_id=one.call.id, verdict=verdict, by="t")
            await orket.engine.ask(decision, timeout=10)
    return state


async def commits_of(orket: Orket) -> list[list[Recorded]]:
    events = await orket.ledger.read(limit=PAGE)
    return [list(one) for _, one in groupby(events, key=lambda one: one.at)]


def asking(bench: Bench) -> Path:
    """An epic in which a person is asked about a command."""
    return bench.epic(
        [issue("A"), issue("B", "A")],
        [*plain("A", COMMAND), *plain("B")],
        policy=[{"effect": "ask", "tool": "run_command"}],
        sandbox={"levels": ["process"]},
    )


async def recorded(bench: Bench) -> tuple[RunId, list[list[Recorded]]]:
    """Run the epic to its end once; return what each commit held."""
    async with bench.engine() as orket:
        run_id = await bench.start(orket, asking(bench))
        assert (await to_the_end(orket, run_id)).status is RunStatus.DONE
        return run_id, await commits_of(orket)


async def go_on(bench: Bench, name: str, run_id: RunId, events: list[Event]) -> RunState:
    """Lay a ledger of these events in a place of its own, start an engine on it, see the run end."""
    bench.settings = attrs.evolve(bench.settings, data_dir=bench.root / name)
    async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
        await ledger.append(run_id, events)
    with anyio.fail_after(20):
        async with bench.engine() as orket:
            return await to_the_end(orket, run_id)


@pytest.mark.timeout(120)
async def test_a_run_ends_wherever_its_ledger_was_cut(tmp_path: Path, anyio_backend_name: str) -> None:
    bench = Bench(tmp_path)
    run_id, commits = await recorded(bench)
    step = 1 if anyio_backend_name == "asyncio" else 3
    for last in range(1, len(commits) + 1, step):
        events: list[Event] = [one.event for commit in commits[:last] for one in commit]
        state = await go_on(bench, f"cut-{last}", run_id, events)
        assert state.status is RunStatus.DONE, (last, events[-1], state.reason)


@pytest.mark.parametrize("late", ["the card's rest", "the run's rest", "both"])
async def test_a_person_who_is_quicker_than_the_run_is_heard(tmp_path: Path, late: str) -> None:
    """The decision is on the ledger before the card, or the run, came to rest over the question."""
    bench = Bench(tmp_path)
    run_id, commits = await recorded(bench)
    events: list[Event] = [one.event for commit in commits for one in commit]
    asked = next(n for n, one in enumerate(events) if isinstance(one, e.ToolCallIntended))
    decided = next(n for n, one in enumerate(events) if isinstance(one, e.ToolCallDecided))
    card_rests, run_rests = events[asked + 1], events[asked + 2]
    assert isinstance(card_rests, e.CardStatusChanged)
    assert isinstance(run_rests, e.RunParked)
    before, decision, back = events[: asked + 1], events[decided], events[decided + 1]
    orders: dict[str, list[Event]] = {
        "the card's rest": [decision, card_rests],
        "the run's rest": [card_rests, decision, back, run_rests],
        "both": [decision, card_rests, run_rests],
    }
    state = await go_on(bench, "quicker", run_id, [*before, *orders[late]])
    assert state.status is RunStatus.DONE, state.reason


async def test_an_end_that_crosses_with_a_pause_stands(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run_id, commits = await recorded(bench)
    events: list[Event] = [one.event for commit in commits for one in commit]
    late: list[Event] = [
        e.RunPaused(by="t"),
        e.RunResumed(by="t"),
        e.RunParked(calls=()),
        e.RunFinished(status="canceled"),
    ]
    state = await go_on(bench, "crossed", run_id, [*events, *late])
    assert state.status is RunStatus.DONE
    async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
        summary = await ledger.run(run_id)
    assert summary is not None
    assert summary.status is RunStatus.DONE
    assert verify(bench.settings.db_path).ok


async def test_notes_and_memories_are_neither_lost_nor_doubled_by_a_cut(tmp_path: Path) -> None:
    lines = [
        reply(
            "A", 1, call("send_note", text="one", to="guard"), call("remember", text="Whole cents, always.")
        ),
        reply("A", 2, call("send_note", text="two"), call("report_credits", amount=1), status("code_review")),
        reply("A", 3, status("done")),
    ]
    bench, epic = house(tmp_path, [issue("A")], lines)
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        assert (await to_the_end(orket, run_id)).status is RunStatus.DONE
        commits = await commits_of(orket)
    for last in range(1, len(commits) + 1, 4):
        events: list[Event] = [one.event for commit in commits[:last] for one in commit]
        state = await go_on(bench, f"cut-{last}", run_id, events)
        assert state.status is RunStatus.DONE, (last, events[-1], state.reason)
        assert [one.text for one in state.notes] == ["one", "two"]
        assert [one.text for one in received_by(state.received[CardId("A")], "guard")] == ["one", "two"]
        assert state.credits == {"A": 1_000_000}
        assert verify(bench.settings.db_path).ok
