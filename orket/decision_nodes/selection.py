"""The outcome of a selection: one decision node per family, and who named it."""

from __future__ import annotations

from enum import StrEnum

import attrs

from orket.decision_nodes import decisions as d


class SelectedBy(StrEnum):
    """Who named a node."""

    DEFAULT = "default"
    PROCESS_RULES = "process_rules"
    ENVIRONMENT = "environment"


@attrs.frozen
class Selection:
    """Which node of a family was selected, and by whom."""

    family: str
    name: str
    by: SelectedBy


@attrs.frozen(kw_only=True)
class EarlyNodes:
    """The nodes that are needed before the organization is known, selected by the environment alone."""

    engine_runtime: d.EngineRuntime
    loader_strategy: d.LoaderStrategy


@attrs.frozen(kw_only=True)
class Nodes:
    """One node per family, and for each family who selected it."""

    planner: d.Planner
    router: d.Router
    prompt_strategy: d.PromptStrategy
    dialect: d.DialectNode
    evaluator: d.Evaluator
    tool_strategy: d.ToolStrategy
    tool_gate: d.ToolGate
    run_admission: d.RunAdmission
    recovery: d.RecoveryNode
    orchestration_loop: d.OrchestrationLoop
    model_client: d.ModelClientNode
    loader_strategy: d.LoaderStrategy
    sandbox_policy: d.SandboxPolicy
    engine_runtime: d.EngineRuntime
    api_runtime: d.ApiRuntime
    selections: tuple[Selection, ...]

    def selection(self, family: str) -> Selection:
        """Tell which node of a family, for example ``planner_node``, was selected, and by whom.

        Raises:
            KeyError: There is no such family.
        """
        return {one.family: one for one in self.selections}[family]
