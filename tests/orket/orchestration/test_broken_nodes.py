"""A node of whichever family that raises: what it was asked for fails, and the engine goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap import open_orket
from orket.decision_nodes import registry as r
from orket.domain.errors import OrketError, RunDenied
from orket.domain.runs import RunStatus
from orket.orchestration.messages import Refused
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio


class Broken:
    """A node of all families at once, whose every decision raises."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)

        def raises(*_: object, **__: object) -> object:
            raise ZeroDivisionError(f"{name} is broken")

        return raises


# What a broken node of each family costs; the rest of the engine does not notice.
START, RUN, CARD, NOTHING = "the start is refused", "the run fails", "the card is blocked", "nothing"
ENDS = {RUN: RunStatus.FAILED, CARD: RunStatus.BLOCKED, NOTHING: RunStatus.DONE}
COSTS = {
    "planner_node": RUN,
    "router_node": START,
    "prompt_strategy_node": START,
    "dialect_node": CARD,
    "evaluator_node": CARD,
    "tool_strategy_node": START,
    "tool_gate_node": CARD,
    "run_admission_node": START,
    "recovery_node": NOTHING,
    "orchestration_loop_node": START,
    "model_client_node": START,
    "loader_strategy_node": NOTHING,
    "sandbox_policy_node": RUN,
    "engine_runtime_node": START,
    "api_runtime_node": NOTHING,
}


def test_the_table_has_every_family() -> None:
    assert tuple(COSTS) == r.FAMILIES


@pytest.mark.parametrize(("family", "cost"), COSTS.items())
async def test_a_raising_node_costs_what_it_was_asked_for(tmp_path: Path, family: str, cost: str) -> None:
    bench, registry = Bench(tmp_path), r.NodeRegistry()
    registry.register(family, "broken", Broken())
    epic = bench.epic([issue("A")], plain("A"), process_rules={family: "broken"})
    async with bench.engine(registry) as orket:
        if cost == START:
            with pytest.raises(Refused, match=r"ZeroDivisionError: .* is broken") as caught:
                await bench.start(orket, epic)
            assert isinstance(caught.value.error, RunDenied)
        else:
            state = await settled(orket, await bench.start(orket, epic))
            told = (state.reason, *(card.wait_note for card in state.issues.values()))
            assert state.status is ENDS[cost], told
            assert cost == NOTHING or any("is broken" in one for one in told), told
        sane = bench.epic([issue("B")], plain("B"), name="sane")
        state = await settled(orket, await bench.start(orket, sane))
        assert state.status is RunStatus.DONE, state.reason
        assert orket.system.info(orket.engine).restarts == 0


@pytest.mark.parametrize("family", ["loader_strategy_node", "engine_runtime_node"])
async def test_a_node_that_cannot_be_made_stops_the_start_of_the_engine(tmp_path: Path, family: str) -> None:
    def cannot() -> object:
        raise OrketError("no such thing")

    registry = r.NodeRegistry([(family, "broken", cannot)])
    bench = Bench(tmp_path)
    settings = bench.settings.__class__(
        data_dir=bench.settings.data_dir,
        model_dir=bench.model,
        cwd=tmp_path,
        environ={r.variable(family): "broken"},
    )
    with pytest.raises(OrketError, match="no such thing"):
        async with open_orket(settings, registry=registry):
            raise AssertionError("it must not start")
