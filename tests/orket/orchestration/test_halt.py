"""Halting the engine: everything ends, nothing starts, across restarts, until it is released."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from orket.bootstrap import Orket
from orket.domain import events as e
from orket.domain.errors import RunConflict, RunDenied
from orket.domain.identifiers import ENGINE, RunId
from orket.domain.runs import RunStatus
from orket.orchestration.messages import (
    EngineTicket,
    HaltEngine,
    PauseRun,
    Refused,
    ReleaseEngine,
    ResumeRun,
    StartRun,
)
from tests.orket.kit import Bell, Bench, call, issue, plain, reply, settled, status

pytestmark = pytest.mark.anyio

RUNS = 20


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def lasting(bench: Bench) -> Path:
    """Write an epic whose only command says who it is, rings, and lasts until somebody ends it."""
    shell = f"echo $$ > pid; printf x > {bench.workspace}/bell; exec sleep 100"
    lines = [
        reply("A", 1, call("run_command", argv=["sh", "-c", shell]), status("code_review")),
        reply("A", 2, status("done")),
    ]
    return bench.epic([issue("A")], lines, process_rules={"runs_max": str(RUNS + 1)})


async def start_all(orket: Orket, bell: Bell, bench: Bench, epic: Path, runs: int) -> list[RunId]:
    """Start so many runs and wait until each has its command under way."""
    started = []
    for number in range(runs):
        asked = StartRun(target=str(epic), workspace=str(bench.root / f"work-{number}"))
        started.append((await orket.engine.ask(asked, timeout=20)).run_id)
    for _ in range(runs):
        await bell.rung()
    return started


async def halt(orket: Orket) -> EngineTicket:
    return await orket.engine.ask(HaltEngine(by="tester", reason="fire"), timeout=30)


async def test_twenty_runs_stand_still_leave_no_process_and_go_on_when_released(bench: Bench) -> None:
    epic = lasting(bench)
    async with bench.listening() as (orket, bell):
        runs = await start_all(orket, bell, bench, epic, RUNS)
        ticket = await halt(orket)
        recorded = await orket.ledger.read(limit=100_000)
        assert (ticket.halted, set(ticket.runs)) == (True, set(runs))
        for number in range(RUNS):
            with pytest.raises(ProcessLookupError):
                os.kill(int((bench.root / f"work-{number}" / "pid").read_text()), 0)
        for refused, kind in (
            (StartRun(target=str(epic)), RunDenied),
            (ResumeRun(run_id=runs[0], by="tester"), RunConflict),
        ):
            with pytest.raises(Refused, match="halted") as caught:
                await orket.engine.ask(refused, timeout=10)
            assert isinstance(caught.value.error, kind)
        await anyio.wait_all_tasks_blocked()
        assert await orket.ledger.read(limit=100_000) == recorded  # nothing happens any more
    async with bench.engine() as orket:
        await anyio.wait_all_tasks_blocked()
        assert await orket.ledger.read(limit=100_000) == recorded  # a restart changes nothing
        released = await orket.engine.ask(ReleaseEngine(by="tester"), timeout=10)
        assert (released.halted, set(released.runs)) == (False, set(runs))
        for run_id in runs:
            assert (await settled(orket, run_id)).status is RunStatus.DONE
        told = [one.event for one in await orket.ledger.read(ENGINE)]
    assert told == [e.EngineHalted(by="tester", reason="fire"), e.EngineReleased(by="tester")]


async def test_a_paused_run_stays_paused_over_halt_and_release(bench: Bench) -> None:
    epic = lasting(bench)
    async with bench.listening() as (orket, bell):
        (run_id,) = await start_all(orket, bell, bench, epic, 1)
        await orket.engine.ask(PauseRun(run_id=run_id, by="tester"), timeout=10)
        assert (await halt(orket)).runs == ()
        assert (await orket.engine.ask(ReleaseEngine(by="tester"), timeout=10)).runs == ()
        summary = await orket.ledger.run(run_id)
        assert summary is not None
        assert summary.status is RunStatus.PAUSED


async def test_halting_twice_is_halting_once_and_releasing_twice_is_refused(bench: Bench) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        await halt(orket)
        await halt(orket)
        assert len(await orket.ledger.read(ENGINE)) == 1
        await orket.engine.ask(ReleaseEngine(by="tester"), timeout=10)
        with pytest.raises(Refused, match="not halted"):
            await orket.engine.ask(ReleaseEngine(by="tester"), timeout=10)
        run_id = await bench.start(orket, epic)
        assert (await settled(orket, run_id)).status is RunStatus.DONE


async def test_of_opposite_commands_at_once_ledger_and_engine_tell_the_same(bench: Bench) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:

        async def release() -> None:
            with suppress(Refused):
                await orket.engine.ask(ReleaseEngine(by="tester"), timeout=10)

        for _ in range(10):
            async with anyio.create_task_group() as together:
                together.start_soon(halt, orket)
                together.start_soon(release)
                together.start_soon(halt, orket)
            last = (await orket.ledger.read(ENGINE))[-1].event
            if isinstance(last, e.EngineHalted):
                with pytest.raises(Refused, match="halted"):
                    await bench.start(orket, epic)
                await release()
        await settled(orket, await bench.start(orket, epic))
