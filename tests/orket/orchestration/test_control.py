"""Pause, resume, cancel, approvals, restart: commands take hold at once and survive."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from orket.domain.budgets import Budget
from orket.domain.cards import CardStatus
from orket.domain.errors import IdempotencyConflict, RunConflict, RunDenied, RunNotFound
from orket.domain.identifiers import RunId
from orket.domain.ports import CommandKey
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict
from orket.orchestration.messages import CancelRun, DecideCall, PauseRun, Refused, ResumeRun, StartRun
from tests.orket.kit import Bench, call, issue, plain, reply, settled, status
from tests.orket.orchestration.test_crashes import script

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_pause_ends_the_command_and_resume_finishes_the_run(bench: Bench) -> None:
    epic = bench.epic([issue("A")], [*script(), reply("A", 4, status("done"))])
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        ticket = await orket.engine.ask(PauseRun(run_id=run_id, by="tester"), timeout=10)
        assert ticket.status is RunStatus.PAUSED
        state = await settled(orket, run_id)
        (ended,) = state.turns[next(iter(state.issues))][0].calls
        assert ended.result is not None
        assert ended.result.code == "canceled"
        assert not (bench.workspace / "end").exists()
        with pytest.raises(Refused) as caught:
            await orket.engine.ask(PauseRun(run_id=run_id, by="tester"), timeout=10)
        assert isinstance(caught.value.error, RunConflict)
        assert caught.value.error.allowed == ("resume", "cancel")
        await orket.engine.ask(ResumeRun(run_id=run_id, by="tester"), timeout=10)
        state = await settled(orket, run_id)
    assert state.status is RunStatus.DONE, state.reason


async def test_cancel_is_final_and_truthful(bench: Bench) -> None:
    epic = bench.epic([issue("A"), issue("B", "A")], script())
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        await orket.engine.ask(CancelRun(run_id=run_id, by="tester", reason="enough"), timeout=10)
        state = await settled(orket, run_id)
        assert state.status is RunStatus.CANCELED
        assert state.reason == "enough"
        assert {card.status for card in state.cards.values()} == {CardStatus.CANCELED}
        with pytest.raises(Refused) as caught:
            await orket.engine.ask(ResumeRun(run_id=run_id, by="tester"), timeout=10)
        assert isinstance(caught.value.error, RunConflict)


async def test_a_pause_survives_a_restart_and_an_open_run_goes_on(bench: Bench) -> None:
    epic = bench.epic([issue("A")], [*script(), reply("A", 4, status("done"))])
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        await orket.engine.ask(PauseRun(run_id=run_id, by="tester"), timeout=10)
    async with bench.engine() as orket:
        summary = await orket.ledger.run(run_id)
        assert summary is not None
        assert summary.status is RunStatus.PAUSED
        await orket.engine.ask(ResumeRun(run_id=run_id, by="tester"), timeout=10)
    (bench.workspace / "go").touch()
    async with bench.engine() as orket:
        state = await settled(orket, run_id)
    assert state.status is RunStatus.DONE, state.reason


async def test_a_stop_in_the_middle_leaves_no_doubt(bench: Bench) -> None:
    """Without a declared recovery: the command is ended by the stop itself, so its receipt tells."""
    lines = [*script(), reply("A", 4, status("done"))]
    epic = bench.epic([issue("A")], lines, sandbox={"levels": ["process"]})
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
    async with bench.engine() as orket:
        state = await settled(orket, run_id)
    assert state.status is RunStatus.DONE, state.reason
    assert state.waiting_calls() == ()


@pytest.mark.parametrize("verdict", [HumanVerdict.APPROVE, HumanVerdict.DENY])
async def test_a_call_that_must_be_asked_for_waits_over_a_restart(
    bench: Bench, verdict: HumanVerdict
) -> None:
    writes = call("write_file", path="a.txt", content="x")
    lines = [
        reply("A", 1, writes, status("code_review")),
        reply("A", 2, status("done")),
        reply("A", 3, status("done")),
    ]
    policy = [{"effect": "ask", "tool": "write_file"}]
    epic = bench.epic([issue("A")], lines, policy=policy)
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        state = await settled(orket, run_id)
        assert state.status is RunStatus.WAITING_FOR_APPROVAL
        assert not (bench.workspace / "a.txt").exists()
    async with bench.engine() as orket:
        (waiting,) = state.waiting_calls()
        decide = DecideCall(run_id=run_id, call_id=waiting.call.id, verdict=verdict, by="tester")
        wrong = DecideCall(run_id=run_id, call_id=waiting.call.id, verdict=HumanVerdict.HAPPENED, by="tester")
        with pytest.raises(Refused):
            await orket.engine.ask(wrong, timeout=10)
        await orket.engine.ask(decide, timeout=10)
        state = await settled(orket, run_id)
        with pytest.raises(Refused):
            await orket.engine.ask(decide, timeout=10)
    assert (bench.workspace / "a.txt").exists() is (verdict is HumanVerdict.APPROVE)
    assert state.status is RunStatus.DONE, state.reason


async def test_commands_about_unknown_runs_are_refused(bench: Bench) -> None:
    bench.epic([issue("A")], [])
    async with bench.engine() as orket:
        for command in (
            PauseRun(run_id=RunId("nope"), by="tester"),
            ResumeRun(run_id=RunId("nope"), by="tester"),
            CancelRun(run_id=RunId("nope"), by="tester"),
        ):
            with pytest.raises(Refused) as caught:
                await orket.engine.ask(command, timeout=10)
            assert isinstance(caught.value.error, RunNotFound)


async def test_one_key_starts_one_run(bench: Bench) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    key = CommandKey(key="k1", fingerprint="f1")
    asked = StartRun(target=str(epic), workspace=str(bench.workspace), key=key)
    async with bench.engine() as orket:
        tickets = []

        async def ask() -> None:
            tickets.append(await orket.engine.ask(asked, timeout=20))

        async with anyio.create_task_group() as together:
            for _ in range(5):
                together.start_soon(ask)
        assert len({ticket.run_id for ticket in tickets}) == 1
        assert sorted(ticket.replayed for ticket in tickets) == [False, True, True, True, True]
        other = StartRun(target=str(epic), key=CommandKey(key="k1", fingerprint="other"))
        with pytest.raises(Refused) as caught:
            await orket.engine.ask(other, timeout=20)
        assert isinstance(caught.value.error, IdempotencyConflict)


async def test_two_runs_may_not_share_a_workspace(bench: Bench) -> None:
    epic = bench.epic([issue("A")], script())
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        with pytest.raises(Refused) as caught:
            await bench.start(orket, epic)
        assert isinstance(caught.value.error, RunDenied)
        (bench.workspace / "go").touch()
        await settled(orket, run_id)


async def test_a_run_pauses_when_its_budget_is_used_up(bench: Bench) -> None:
    epic = bench.epic([issue("A"), issue("B", "A")], [*plain("A"), *plain("B")])
    state = await bench.drive(epic, budget=Budget(turns_max=2))
    assert state.status is RunStatus.PAUSED
    assert state.reason == "turns: 2 of 2 used"
