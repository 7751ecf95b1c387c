"""Selecting nodes: default, house rules, environment; everything unknown is an error that helps."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes import decisions
from orket.decision_nodes.decisions import PlanInput
from orket.decision_nodes.planner import DefaultPlanner
from orket.decision_nodes.registry import FAMILIES, NodeRegistry, Nodes, SelectedBy, Selection, variable
from orket.decision_nodes.tool_gate import IDesignToolGate
from orket.domain.errors import SettingsError, UnknownNode
from orket.domain.identifiers import CardId

PROTOCOLS = {
    "planner_node": decisions.Planner,
    "router_node": decisions.Router,
    "prompt_strategy_node": decisions.PromptStrategy,
    "dialect_node": decisions.DialectNode,
    "evaluator_node": decisions.Evaluator,
    "tool_strategy_node": decisions.ToolStrategy,
    "tool_gate_node": decisions.ToolGate,
    "run_admission_node": decisions.RunAdmission,
    "recovery_node": decisions.RecoveryNode,
    "orchestration_loop_node": decisions.OrchestrationLoop,
    "model_client_node": decisions.ModelClientNode,
    "loader_strategy_node": decisions.LoaderStrategy,
    "sandbox_policy_node": decisions.SandboxPolicy,
    "engine_runtime_node": decisions.EngineRuntime,
    "api_runtime_node": decisions.ApiRuntime,
}


class NothingPlanned:
    """A planner that never finds anything to do."""

    def plan(self, given: PlanInput) -> tuple[CardId, ...]:
        return ()


def test_every_family_has_a_default_a_field_and_a_protocol() -> None:
    nodes = NodeRegistry().resolve((), {})
    assert set(FAMILIES) == set(PROTOCOLS)
    assert [one.name for one in attrs.fields(Nodes)] == [
        *(family.removesuffix("_node") for family in FAMILIES),
        "selections",
    ]
    assert nodes.selections == tuple(Selection(one, "default", SelectedBy.DEFAULT) for one in FAMILIES)
    assert isinstance(nodes.planner, DefaultPlanner)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_node_without_its_familys_methods_is_refused(family: str) -> None:
    methods = [name for name in vars(PROTOCOLS[family]) if not name.startswith("_")]
    assert methods
    for missing in methods:
        rest = {name: lambda *_: None for name in methods if name != missing}
        with pytest.raises(SettingsError, match=f"{family}: the node 'half' .* has no method {missing}"):
            NodeRegistry().register(family, "half", type("Half", (), rest)())


def test_the_house_selects_and_the_environment_wins() -> None:
    registry = NodeRegistry()
    registry.register("planner_node", "idle", idle := NothingPlanned())
    house = (("planner_node", "idle"), ("default_llm", "x"))
    chosen = registry.resolve(house, {})
    assert chosen.planner is idle
    assert chosen.selection("planner_node") == Selection("planner_node", "idle", SelectedBy.PROCESS_RULES)
    overruled = registry.resolve(house, {"ORKET_PLANNER_NODE": "default", "ORKET_PORT": "1", "PATH": "/bin"})
    assert isinstance(overruled.planner, DefaultPlanner)
    assert overruled.selection("planner_node").by is SelectedBy.ENVIRONMENT


def test_an_empty_selection_is_none() -> None:
    nodes = NodeRegistry().resolve((("planner_node", " "),), {"ORKET_PLANNER_NODE": ""})
    assert nodes.selection("planner_node").by is SelectedBy.DEFAULT


@pytest.mark.parametrize(
    ("rules", "environ", "place"),
    [
        ((("tool_gate_node", "lax"),), {}, "process_rules.tool_gate_node"),
        ((), {"ORKET_TOOL_GATE_NODE": "lax"}, "ORKET_TOOL_GATE_NODE"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(
    rules: tuple[tuple[str, str], ...], environ: dict[str, str], place: str
) -> None:
    with pytest.raises(
        UnknownNode, match=f"^{place}: no node named 'lax'; known: default, idesign$"
    ) as caught:
        NodeRegistry().resolve(rules, environ)
    assert caught.value.known == ("default", "idesign")


def test_an_unknown_family_is_an_error_wherever_it_stands() -> None:
    registry = NodeRegistry()
    with pytest.raises(SettingsError, match=r"process_rules.toolgate_node: no such family .* tool_gate_node"):
        registry.resolve((("toolgate_node", "default"),), {})
    for select in (lambda env: registry.resolve((), env), registry.resolve_early):
        with pytest.raises(SettingsError, match="ORKET_TOOLGATE_NODE: no such family"):
            select({"ORKET_TOOLGATE_NODE": "default"})
    with pytest.raises(SettingsError, match="toolgate_node: no such family"):
        registry.register("toolgate_node", "x", object())
    with pytest.raises(SettingsError, match="no such family"):
        registry.known("toolgate_node")


def test_other_rules_and_other_peoples_variables_are_not_ours() -> None:
    NodeRegistry().resolve((("node", "x"), ("planner", "x")), {"MY_NODE": "x", "ORKET_NODES": "x"})


def test_what_is_needed_before_the_house_is_known_comes_from_the_environment_alone() -> None:
    registry = NodeRegistry()
    early = registry.resolve_early({})
    assert early.loader_strategy.candidates("teams", "pair", "core")
    assert early.engine_runtime.workspace("r", "/w", "/d") == "/w"
    with pytest.raises(UnknownNode, match="ORKET_LOADER_STRATEGY_NODE: no node named 'db'"):
        registry.resolve_early({"ORKET_LOADER_STRATEGY_NODE": "db"})


def test_a_plugin_is_made_when_it_is_selected_and_not_before() -> None:
    made: list[str] = []

    def make() -> NothingPlanned:
        made.append("idle")
        return NothingPlanned()

    registry = NodeRegistry([("planner_node", "idle", make)])
    assert registry.known("planner_node") == ("default", "idle")
    registry.resolve((), {})
    assert made == []
    assert isinstance(registry.resolve((("planner_node", "idle"),), {}).planner, NothingPlanned)
    assert made == ["idle"]


def test_a_plugin_that_makes_something_else_is_refused_when_selected() -> None:
    registry = NodeRegistry([("planner_node", "odd", object)])
    registry.resolve((), {})
    with pytest.raises(SettingsError, match=r"'odd' .* has no method plan"):
        registry.resolve((("planner_node", "odd"),), {})


@pytest.mark.parametrize("name", ["default", "", " x"])
def test_a_name_is_taken_once_and_is_a_name(name: str) -> None:
    with pytest.raises(SettingsError, match="planner_node"):
        NodeRegistry().register("planner_node", name, NothingPlanned())


def test_registries_know_nothing_of_each_other() -> None:
    NodeRegistry().register("planner_node", "idle", NothingPlanned())
    assert NodeRegistry().known("planner_node") == ("default",)


def test_idesign_is_a_name_of_the_gate() -> None:
    nodes = NodeRegistry().resolve((("tool_gate_node", "idesign"),), {})
    assert isinstance(nodes.tool_gate, IDesignToolGate)


names = st.sampled_from([None, "default", "idle"])


@given(house=names, environment=names)
def test_environment_then_house_then_default(house: str | None, environment: str | None) -> None:
    registry = NodeRegistry([("planner_node", "idle", NothingPlanned)])
    rules = () if house is None else (("planner_node", house),)
    environ = {} if environment is None else {variable("planner_node"): environment}
    chosen = registry.resolve(rules, environ).selection("planner_node")
    assert chosen.name == (environment or house or "default")
