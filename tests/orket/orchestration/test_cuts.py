"""Wherever a crash cuts a ledger off, the run comes to its end: each commit of a run is tried as the last."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import anyio
import attrs
import pytest

from orket.bootstrap import Orket
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState, RunStatus
from orket.domain.tools import HumanVerdict
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.orchestration.messages import DecideCall
from tests.orket.kit import Bench, call, issue, plain, settled

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


@pytest.mark.timeout(120)
async def test_a_run_ends_wherever_its_ledger_was_cut(tmp_path: Path, anyio_backend_name: str) -> None:
    bench = Bench(tmp_path)
    asking = {"effect": "ask", "tool": "run_command"}
    epic = bench.epic(
        [issue("A"), issue("B", "A")],
        [*plain("A", COMMAND), *plain("B")],
        policy=[asking],
        sandbox={"levels": ["process"]},
    )
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        assert (await to_the_end(orket, run_id)).status is RunStatus.DONE
        commits = await commits_of(orket)
    step = 1 if anyio_backend_name == "asyncio" else 3
    for last in range(1, len(commits) + 1, step):
        events: list[Event] = [one.event for commit in commits[:last] for one in commit]
        bench.settings = attrs.evolve(bench.settings, data_dir=tmp_path / f"cut-{last}")
        async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
            await ledger.append(run_id, events)
        with anyio.fail_after(20):
            async with bench.engine() as orket:
                state = await to_the_end(orket, run_id)
        assert state.status is RunStatus.DONE, (last, events[-1], state.reason)
