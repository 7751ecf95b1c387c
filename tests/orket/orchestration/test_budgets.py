"""Budgets of a run, an epic and an issue: kept to, paused at, raised, and conserved whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.domain.budgets import Budget, Spent
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunState, RunStatus
from orket.orchestration.messages import HaltEngine, Refused, ReleaseEngine, ResumeRun
from tests.orket.kit import JSON, Bench, call, issue, plain, reply, settled, status

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def three() -> tuple[list[JSON], list[JSON]]:
    """Three cards that can be worked on side by side, two turns and three calls each."""
    names = ("A", "B", "C")
    return [issue(name) for name in names], [line for name in names for line in plain(name)]


@pytest.mark.parametrize("turns", [1, 2, 3, 4, 5])
async def test_cards_side_by_side_never_overdraw_the_turns_of_a_run(bench: Bench, turns: int) -> None:
    epic = bench.epic(*three())
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic, budget=Budget(turns_max=turns))
        state = await settled(orket, run_id)
        assert (state.status, state.spent.turns) == (RunStatus.PAUSED, turns)
        assert state.reason == f"turns: {turns} of {turns} used"
        raised = ResumeRun(run_id=run_id, by="tester", budget=Budget(turns_max=6))
        await orket.engine.ask(raised, timeout=10)
        state = await settled(orket, run_id)
    assert (state.status, state.spent.turns) == (RunStatus.DONE, 6), state.reason


async def test_calls_are_counted_one_by_one_and_the_turn_goes_on_later(bench: Bench) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic, budget=Budget(tool_calls_max=1))
        state = await settled(orket, run_id)
        assert (state.status, state.spent.tool_calls) == (RunStatus.PAUSED, 1)
        assert state.open_turn(next(iter(state.issues))) is not None
        await orket.engine.ask(ResumeRun(run_id=run_id, by="tester"), timeout=10)
        assert (await settled(orket, run_id)).status is RunStatus.PAUSED  # nothing was added
        more = ResumeRun(run_id=run_id, by="tester", budget=Budget())
        await orket.engine.ask(more, timeout=10)
        state = await settled(orket, run_id)
    assert (state.status, state.spent.tool_calls, state.spent.turns) == (RunStatus.DONE, 3, 2)


async def test_an_issue_and_its_epic_have_budgets_of_their_own(bench: Bench) -> None:
    issues, lines = three()
    epic = bench.epic([{**issues[0], "budget": {"turns": 1}}, *issues[1:]], lines)
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        state = await settled(orket, run_id)
        assert (state.status, state.reason) == (RunStatus.PAUSED, "A: turns: 1 of 1 used")
        assert state.spent.turns == 5  # the others went on
        unknown = ResumeRun(run_id=run_id, by="tester", budgets=((CardId("Z"), Budget()),))
        with pytest.raises(Refused) as caught:
            await orket.engine.ask(unknown, timeout=10)
        assert isinstance(caught.value.error, CardNotFound)
        below = ((CardId("A"), Budget(turns_max=9)), (CardId("EPIC-work"), Budget(turns_max=5)))
        await orket.engine.ask(ResumeRun(run_id=run_id, by="tester", budgets=below), timeout=10)
        state = await settled(orket, run_id)
        assert state.reason == "EPIC-work: turns: 5 of 5 used"
        above = ((CardId("EPIC-work"), Budget()),)
        await orket.engine.ask(ResumeRun(run_id=run_id, by="tester", budgets=above), timeout=10)
        assert (await settled(orket, run_id)).status is RunStatus.DONE


async def test_money_output_and_time_are_counted(bench: Bench) -> None:
    usage = {"usage": {"input_tokens": 1000, "output_tokens": 500}}
    lines = [{**line, **usage} for line in plain("A")]
    epic = bench.epic([issue("A")], lines)
    script = {"name": "work", "model": "scripted:scripts/work.json", "price": {"input": 2.0, "output": 4.0}}
    bench.write("environments/work.json", script)
    state = await bench.drive(epic, budget=Budget(cost_max=0.004))
    assert state.reason == "cost: 0.004 of 0.004 used"
    assert (state.spent.cost_micros, state.spent.turns) == (4_000, 1)
    assert state.spent.wall_ms > 0


async def test_what_tools_answer_is_counted(bench: Bench) -> None:
    state = await bench.drive(bench.epic([issue("A")], plain("A")), budget=Budget(output_bytes_max=1))
    assert state.reason.startswith("output_bytes: ")
    assert state.spent.tool_calls == 1


async def test_what_was_spent_adds_up_at_every_event_over_kills_and_halts(bench: Bench) -> None:
    work = [call("write_file", path=f"{n}.txt", content="x") for n in range(3)]
    lines = [line for name in ("A", "B") for line in plain(name, *work)]
    epic = bench.epic([issue("A"), issue("B")], [*lines, reply("A", 3, status("done"))])
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic, budget=Budget(turns_max=4, tool_calls_max=10))
        await orket.engine.ask(HaltEngine(by="tester"), timeout=10)
        await orket.engine.ask(ReleaseEngine(by="tester"), timeout=10)
        orket.system.kill(orket.root.executor)
    async with bench.engine() as orket:
        final = await settled(orket, run_id)
        recorded = await orket.ledger.read(run_id, limit=10_000)
    state = RunState(run_id=RunId(run_id))
    for one in recorded:
        state.apply_recorded(one)
        assert sum(state.spent_on.values(), Spent()) == state.spent
        assert state.spent.turns <= 4
        assert state.spent.tool_calls <= 10
    assert final.status in (RunStatus.DONE, RunStatus.PAUSED)  # a call that was cut off may cost a turn
