"""Approvals through a whole engine: they wait, survive, bind, and pass the gate again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from orket.bootstrap import Orket
from orket.decision_nodes.decisions import GateInput
from orket.decision_nodes.registry import NodeRegistry
from orket.decision_nodes.tool_gate import DefaultToolGate
from orket.domain import events as e
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState, RunStatus
from orket.domain.tools import GateDecision, HumanVerdict, Verdict
from orket.domain.waiting import waiting_for_person
from orket.orchestration.messages import DecideCall, PauseRun, ResumeRun
from tests.orket.kit import Bench, call, issue, reply, settled, status

pytestmark = pytest.mark.anyio

LINES = [
    reply("A", 1, call("write_file", path="a.txt", content="x"), status("code_review")),
    *(reply("A", turn, status("done")) for turn in (2, 3)),
]
HOUSE = {"policy": [{"effect": "ask", "tool": "write_file"}], "process_rules": {"approval_ttl_s": "90"}}


class OtherGate(DefaultToolGate):
    """Judges as the default one and says that it is another."""

    version = "other/1"


class StrictGate(DefaultToolGate):
    """Denies what others ask about."""

    version = "strict/1"

    def judge(self, given: GateInput) -> GateDecision:
        said = super().judge(given)
        strict = said.verdict is Verdict.ASK
        return attrs.evolve(said, verdict=Verdict.DENY, rule="strict") if strict else said


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def approve_while_paused(bench: Bench) -> RunId:
    """Bring a run to its question, pause it, approve, and close the engine before anything acts."""
    epic = bench.epic([issue("A")], LINES, **HOUSE)
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        (one,) = waiting_for_person(await settled(orket, run_id))
        await orket.engine.ask(PauseRun(run_id=run_id, by="tester"), timeout=10)
        await decide(orket, run_id, one.call.call.id)
    assert not (bench.workspace / "a.txt").exists()
    return run_id


async def decide(orket: Orket, run_id: RunId, call_id: object) -> None:
    said = DecideCall(run_id=run_id, call_id=call_id, verdict=HumanVerdict.APPROVE, by="tester")  # type: ignore[arg-type]  # a call's id
    await orket.engine.ask(said, timeout=10)


async def go_on(bench: Bench, run_id: RunId, registry: NodeRegistry | None = None) -> RunState:
    async with bench.engine(registry) as orket:
        await orket.engine.ask(ResumeRun(run_id=run_id, by="tester"), timeout=10)
        return await settled(orket, run_id)


async def test_an_approval_given_while_paused_is_used_after_a_restart(bench: Bench) -> None:
    run_id = await approve_while_paused(bench)
    state = await go_on(bench, run_id)
    assert state.status is RunStatus.DONE, state.reason
    assert (bench.workspace / "a.txt").read_text() == "x"
    async with bench.engine() as orket:
        recorded = await orket.ledger.read(run_id)
    (decided,) = [one for one in recorded if isinstance(one.event, e.ToolCallDecided)]
    assert isinstance(decided.event, e.ToolCallDecided)
    assert decided.event.attempt == 2
    assert len(decided.event.binding) == 64
    assert decided.event.expires_at is not None
    assert decided.event.expires_at - decided.at <= timedelta(seconds=90)


@pytest.mark.parametrize(("gate", "code"), [(OtherGate, "approval"), (StrictGate, "denied")])
async def test_a_call_that_is_taken_up_passes_the_gate_of_today(
    bench: Bench, gate: type[DefaultToolGate], code: str
) -> None:
    run_id = await approve_while_paused(bench)
    registry = NodeRegistry([("tool_gate_node", "today", gate)])
    bench.settings = attrs.evolve(bench.settings, environ={"ORKET_TOOL_GATE_NODE": "today"})
    state = await go_on(bench, run_id, registry)
    call_state = next(iter(state.turns.values()))[0].calls[0]
    assert call_state.result is not None
    assert call_state.result.code == code
    assert not (bench.workspace / "a.txt").exists()
