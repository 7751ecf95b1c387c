"""A decision node that raises fails the actor that asked it, is reported per fault, and spares the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.decision_nodes.decisions import Evaluation, TurnReview
from orket.decision_nodes.evaluator import DefaultEvaluator
from orket.decision_nodes.planner import DefaultPlanner
from orket.decision_nodes.registry import NodeRegistry
from orket.domain import events as e
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.runs import RunStatus
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio


class BrokenFor:
    """An evaluator that cannot judge one card, the first ``times`` times."""

    def __init__(self, card: str, times: int) -> None:
        self._card, self._left, self._sane = card, times, DefaultEvaluator()

    def evaluate(self, given: TurnReview) -> Evaluation:
        if given.after.id == self._card and self._left:
            self._left -= 1
            raise ZeroDivisionError("no verdict")
        return self._sane.evaluate(given)


class BrokenPlanner(DefaultPlanner):
    """A planner that always raises."""

    def plan(self, given: object) -> tuple[()]:
        raise LookupError("no plan")


@pytest.mark.parametrize(("times", "ends"), [(2, RunStatus.DONE), (99, RunStatus.BLOCKED)])
async def test_a_raising_evaluator_costs_its_card_only(tmp_path: Path, times: int, ends: RunStatus) -> None:
    bench, registry = Bench(tmp_path), NodeRegistry()
    registry.register("evaluator_node", "broken", BrokenFor("A", times))
    rules = {"evaluator_node": "broken"}
    epic = bench.epic([issue("A"), issue("B")], [*plain("A"), *plain("B")], process_rules=rules)
    async with bench.engine(registry) as orket:
        run_id = await bench.start(orket, epic)
        state = await settled(orket, run_id)
        recorded = await orket.ledger.read(run_id, limit=10_000)
    assert state.status is ends, state.reason
    faults = [one.event for one in recorded if isinstance(one.event, e.CardFaulted)]
    assert [fault.error for fault in faults] == ["ZeroDivisionError: no verdict"] * min(times, 3)
    by_id = {str(key): card for key, card in state.issues.items()}
    assert by_id["B"].status is CardStatus.DONE
    if ends is RunStatus.BLOCKED:
        assert by_id["A"].status is CardStatus.BLOCKED
        assert by_id["A"].wait_reason is WaitReason.SYSTEM
        assert "no verdict" in by_id["A"].wait_note


async def test_a_raising_planner_ends_its_run_and_no_other(tmp_path: Path) -> None:
    bench, registry = Bench(tmp_path), NodeRegistry()
    registry.register("planner_node", "broken", BrokenPlanner())
    broken = bench.epic([issue("A")], plain("A"), process_rules={"planner_node": "broken"})
    async with bench.engine(registry) as orket:
        state = await settled(orket, await bench.start(orket, broken))
        assert state.status is RunStatus.FAILED
        assert "no plan" in state.reason
        sane = bench.epic([issue("B")], plain("B"), name="sane")
        state = await settled(orket, await bench.start(orket, sane))
        assert state.status is RunStatus.DONE, state.reason
