"""A recorded run replays without a model and without effects; the first difference is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from orket.bootstrap import demo_target
from orket.bootstrap.replaying import replay_run
from orket.decision_nodes.decisions import Evaluation, Next, TurnReview
from orket.decision_nodes.evaluator import DefaultEvaluator
from orket.decision_nodes.registry import NodeRegistry
from orket.domain import events as e
from orket.domain.identifiers import RunId
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict
from orket.orchestration.messages import CancelRun, DecideCall, PauseRun, ResumeRun
from tests.orket.kit import Bench, call, issue, plain, reply, settled, status
from tests.orket.orchestration.test_crashes import script

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def recording(bench: Bench, target: Path) -> tuple[e.Recorded, ...]:
    async with bench.engine() as orket:
        run_id = await bench.start(orket, target)
        await settled(orket, run_id)
        return await orket.ledger.read(run_id, limit=100_000)


async def test_the_demo_replays_without_a_difference(bench: Bench) -> None:
    recorded = await recording(bench, demo_target())
    (bench.workspace / "kitchen" / "quantity.py").write_text("raise SystemExit")
    report = await replay_run(bench.settings, recorded)
    assert report.difference is None
    assert report.events == len(recorded) > 100
    assert (bench.workspace / "kitchen" / "quantity.py").read_text() == "raise SystemExit"


class Strict(DefaultEvaluator):
    """Lets nobody into review whose first turn has more than one call."""

    def evaluate(self, given: TurnReview) -> Evaluation:
        if given.before.id == "B" and given.turn.turn == 1:
            return Evaluation(next=Next.CONTINUE, note="slow down")
        return super().evaluate(given)


async def test_another_decision_is_the_first_difference(bench: Bench) -> None:
    epic = bench.epic([issue("A"), issue("B", "A")], [*plain("A"), *plain("B")])
    recorded = await recording(bench, epic)
    registry = NodeRegistry()
    registry.register("evaluator_node", "strict", Strict())
    settings = attrs.evolve(bench.settings, environ={"ORKET_EVALUATOR_NODE": "strict"})
    report = await replay_run(settings, recorded, registry=registry)
    assert report.difference is not None
    assert report.difference.card == "B"
    assert isinstance(report.difference.recorded, e.TurnFinished)
    assert report.difference.recorded.outcome == "settled"
    assert isinstance(report.difference.replayed, e.TurnFinished)
    assert report.difference.replayed.outcome == "continue"


def forged(recorded: Sequence[e.Recorded]) -> tuple[e.Recorded, ...]:
    """The same record with another word in one model reply."""
    found = []
    for one in recorded:
        event = one.event
        if isinstance(event, e.ModelReplied) and event.turn == 2:
            event = attrs.evolve(event, calls=())
            one = attrs.evolve(one, event=event)
        found.append(one)
    return tuple(found)


async def test_a_record_that_does_not_follow_from_itself_is_noticed(bench: Bench) -> None:
    recorded = await recording(bench, bench.epic([issue("A")], plain("A")))
    report = await replay_run(bench.settings, forged(recorded))
    assert report.difference is not None
    assert isinstance(report.difference.recorded, e.ModelReplied)


@pytest.mark.parametrize("verdict", [HumanVerdict.APPROVE, HumanVerdict.DENY])
async def test_a_persons_decision_is_replayed(bench: Bench, verdict: HumanVerdict) -> None:
    lines = [
        reply("A", 1, call("write_file", path="a.txt", content="x"), status("code_review")),
        reply("A", 2, status("done")),
    ]
    epic = bench.epic([issue("A")], lines, policy=[{"effect": "ask", "tool": "write_file"}])
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        (waiting,) = (await settled(orket, run_id)).waiting_calls()
        decide = DecideCall(run_id=run_id, call_id=waiting.call.id, verdict=verdict, by="tester")
        await orket.engine.ask(decide, timeout=10)
        state = await settled(orket, run_id)
        assert state.status is RunStatus.DONE, state.reason
        recorded = await orket.ledger.read(run_id, limit=10_000)
    assert (await replay_run(bench.settings, recorded)).difference is None


@pytest.mark.parametrize("ending", ["pause", "cancel", "resume"])
async def test_a_run_that_was_interfered_with_replays_as_far_as_it_goes(bench: Bench, ending: str) -> None:
    epic = bench.epic([issue("A")], [*script(), reply("A", 4, status("done"))])
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        await interfere(orket, run_id, ending)
        await settled(orket, run_id)
        recorded = await orket.ledger.read(run_id, limit=10_000)
    assert (await replay_run(bench.settings, recorded)).difference is None


async def interfere(orket: object, run_id: RunId, ending: str) -> None:
    ask = orket.engine.ask  # type: ignore[attr-defined]  # any engine will do
    if ending == "cancel":
        await ask(CancelRun(run_id=run_id, by="tester"), timeout=10)
        return
    await ask(PauseRun(run_id=run_id, by="tester"), timeout=10)
    if ending == "resume":
        await ask(ResumeRun(run_id=run_id, by="tester"), timeout=10)
