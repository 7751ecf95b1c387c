"""Which node decides: the registry of an app, and the selection by house rules and environment.

A family's key in the organization's ``process_rules`` names a node; the environment variable ``ORKET_`` + the
key in capitals wins over it; without either it is ``default``. A name that nobody registered and a key that
is no family are start-up errors.

``engine_runtime_node`` and ``loader_strategy_node`` are needed to find the organization, so they are selected
twice: from the environment alone before it is known (``resolve_early``), and with its rules afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from orket.decision_nodes import decisions as d
from orket.decision_nodes.api_runtime import DefaultApiRuntime
from orket.decision_nodes.dialect import DefaultDialect
from orket.decision_nodes.engine_runtime import DefaultEngineRuntime
from orket.decision_nodes.evaluator import DefaultEvaluator
from orket.decision_nodes.loader_strategy import DefaultLoaderStrategy
from orket.decision_nodes.model_client import DefaultModelClientNode
from orket.decision_nodes.orchestration_loop import DefaultOrchestrationLoop
from orket.decision_nodes.planner import DefaultPlanner
from orket.decision_nodes.prompt_strategy import DefaultPromptStrategy
from orket.decision_nodes.recovery import DefaultRecovery
from orket.decision_nodes.router import DefaultRouter
from orket.decision_nodes.run_admission import DefaultRunAdmission
from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy
from orket.decision_nodes.selection import EarlyNodes, Nodes, SelectedBy, Selection
from orket.decision_nodes.tool_gate import DefaultToolGate, IDesignToolGate
from orket.decision_nodes.tool_strategy import DefaultToolStrategy
from orket.domain.errors import SettingsError, UnknownNode

__all__ = [
    "DEFAULT",
    "ENTRY_POINTS",
    "FAMILIES",
    "EarlyNodes",
    "NodeRegistry",
    "Nodes",
    "SelectedBy",
    "Selection",
    "variable",
]

DEFAULT = "default"
ENTRY_POINTS = "orket.decision_nodes"
_SUFFIX = "_node"
_PREFIX = "ORKET_"

Factory = Callable[[], object]
Plugin = tuple[str, str, Factory]

_BUILT_IN: tuple[Plugin, ...] = (
    ("planner_node", DEFAULT, DefaultPlanner),
    ("router_node", DEFAULT, DefaultRouter),
    ("prompt_strategy_node", DEFAULT, DefaultPromptStrategy),
    ("dialect_node", DEFAULT, DefaultDialect),
    ("evaluator_node", DEFAULT, DefaultEvaluator),
    ("tool_strategy_node", DEFAULT, DefaultToolStrategy),
    ("tool_gate_node", DEFAULT, DefaultToolGate),
    ("tool_gate_node", "idesign", IDesignToolGate),
    ("run_admission_node", DEFAULT, DefaultRunAdmission),
    ("recovery_node", DEFAULT, DefaultRecovery),
    ("orchestration_loop_node", DEFAULT, DefaultOrchestrationLoop),
    ("model_client_node", DEFAULT, DefaultModelClientNode),
    ("loader_strategy_node", DEFAULT, DefaultLoaderStrategy),
    ("sandbox_policy_node", DEFAULT, DefaultSandboxPolicy),
    ("engine_runtime_node", DEFAULT, DefaultEngineRuntime),
    ("api_runtime_node", DEFAULT, DefaultApiRuntime),
)
_METHODS: Mapping[str, tuple[str, ...]] = {
    "planner_node": ("plan",),
    "router_node": ("route",),
    "prompt_strategy_node": ("choose_model", "compile"),
    "dialect_node": ("narrow", "offer", "read"),
    "evaluator_node": ("evaluate",),
    "tool_strategy_node": ("compose",),
    "tool_gate_node": ("judge",),
    "run_admission_node": ("admit",),
    "recovery_node": ("recover",),
    "orchestration_loop_node": ("limits", "is_review", "conclude"),
    "model_client_node": ("adapter", "retries"),
    "loader_strategy_node": ("candidates",),
    "sandbox_policy_node": (
        "levels",
        "sandbox_id",
        "limits",
        "stacks",
        "choose_stack",
        "project_name",
        "credentials",
        "database_url",
        "published",
        "compose",
        "health",
        "project_limits",
    ),
    "engine_runtime_node": ("workspace", "runs_max"),
    "api_runtime_node": ("allowed_hosts", "retry_after_s"),
}
FAMILIES = tuple(_METHODS)


class NodeRegistry:
    """The nodes an app can choose from: the built-in ones, its plugins, and what it registers itself.

    Args:
        plugins: Family key, name and factory of each further node, as found by entry points of the group
            ``orket.decision_nodes``. A factory is called when its node is selected, once per selection.

    Raises:
        SettingsError: An unknown family, a name that is no name, or a name that is taken.
    """

    def __init__(self, plugins: Iterable[Plugin] = ()) -> None:
        self._factories: dict[str, dict[str, Factory]] = {family: {} for family in FAMILIES}
        for plugin in (*_BUILT_IN, *plugins):
            self._add(*plugin)

    def register(self, family: str, name: str, node: object) -> None:
        """Offer ``node`` under ``name``; nodes must not change while they are in use.

        Raises:
            SettingsError: As the constructor, or the node lacks a method of its family.
        """
        _check(family, name, node)
        self._add(family, name, lambda: node)

    def known(self, family: str) -> tuple[str, ...]:
        """List the names of a family, sorted.

        Raises:
            SettingsError: There is no such family.
        """
        return tuple(sorted(self._family(family)))

    def resolve_early(self, environ: Mapping[str, str]) -> EarlyNodes:
        """Select what is needed to find the organization; only the environment counts.

        Raises:
            UnknownNode: A variable names a node that nobody registered.
            SettingsError: A variable ends in ``_NODE`` and names no family, or the node lacks a method.
        """
        _, engine = self._select("engine_runtime_node", {}, environ)
        _, loader = self._select("loader_strategy_node", {}, environ)
        _check_keys(SelectedBy.ENVIRONMENT, environ)
        return EarlyNodes(
            engine_runtime=cast("d.EngineRuntime", engine), loader_strategy=cast("d.LoaderStrategy", loader)
        )

    def resolve(self, process_rules: Iterable[tuple[str, str]], environ: Mapping[str, str]) -> Nodes:
        """Select a node per family.

        Args:
            process_rules: The organization's rules; those whose key ends in ``_node`` select.
            environ: Environment variables; ``ORKET_PLANNER_NODE`` wins over ``planner_node``.

        Raises:
            UnknownNode: A name that nobody registered; lists the known ones.
            SettingsError: A key ends in ``_node`` and is no family, or a plugin's node lacks a method.
        """
        rules = dict(process_rules)
        _check_keys(SelectedBy.PROCESS_RULES, rules)
        _check_keys(SelectedBy.ENVIRONMENT, environ)
        picked = {family: self._select(family, rules, environ) for family in FAMILIES}
        node = {family: one for family, (_, one) in picked.items()}
        return Nodes(
            planner=cast("d.Planner", node["planner_node"]),
            router=cast("d.Router", node["router_node"]),
            prompt_strategy=cast("d.PromptStrategy", node["prompt_strategy_node"]),
            dialect=cast("d.DialectNode", node["dialect_node"]),
            evaluator=cast("d.Evaluator", node["evaluator_node"]),
            tool_strategy=cast("d.ToolStrategy", node["tool_strategy_node"]),
            tool_gate=cast("d.ToolGate", node["tool_gate_node"]),
            run_admission=cast("d.RunAdmission", node["run_admission_node"]),
            recovery=cast("d.RecoveryNode", node["recovery_node"]),
            orchestration_loop=cast("d.OrchestrationLoop", node["orchestration_loop_node"]),
            model_client=cast("d.ModelClientNode", node["model_client_node"]),
            loader_strategy=cast("d.LoaderStrategy", node["loader_strategy_node"]),
            sandbox_policy=cast("d.SandboxPolicy", node["sandbox_policy_node"]),
            engine_runtime=cast("d.EngineRuntime", node["engine_runtime_node"]),
            api_runtime=cast("d.ApiRuntime", node["api_runtime_node"]),
            selections=tuple(selection for selection, _ in picked.values()),
        )

    def _family(self, family: str) -> dict[str, Factory]:
        _check_family(family)
        return self._factories[family]

    def _add(self, family: str, name: str, factory: Factory) -> None:
        names = self._family(family)
        if not name or name != name.strip():
            raise SettingsError(f"{family}: {name!r} is not a name for a node")
        if name in names:
            raise SettingsError(f"{family}: a node named {name!r} is registered already")
        names[name] = factory

    def _select(
        self, family: str, rules: Mapping[str, str], environ: Mapping[str, str]
    ) -> tuple[Selection, object]:
        selection = Selection(family, DEFAULT, SelectedBy.DEFAULT)
        if named := rules.get(family, "").strip():
            selection = Selection(family, named, SelectedBy.PROCESS_RULES)
        if named := environ.get(variable(family), "").strip():
            selection = Selection(family, named, SelectedBy.ENVIRONMENT)
        names = self._factories[family]
        if selection.name not in names:
            raise UnknownNode(_place(family, selection.by), selection.name, sorted(names))
        node = names[selection.name]()
        _check(family, selection.name, node)
        return selection, node


def variable(family: str) -> str:
    """Name the environment variable of a family: ``ORKET_PLANNER_NODE`` for ``planner_node``."""
    return _PREFIX + family.upper()


def _place(family: str, by: SelectedBy) -> str:
    """Name a selection as the person who made it would find it."""
    return variable(family) if by is SelectedBy.ENVIRONMENT else f"process_rules.{family}"


def _check_keys(by: SelectedBy, named: Mapping[str, str]) -> None:
    """Refuse keys that look like a family and are none: a misspelt one must not be passed over."""
    for key in named:
        family = key.removeprefix(_PREFIX).lower() if by is SelectedBy.ENVIRONMENT else key
        ours = by is SelectedBy.PROCESS_RULES or key.startswith(_PREFIX)
        if ours and family.endswith(_SUFFIX) and family not in FAMILIES:
            place = key if by is SelectedBy.ENVIRONMENT else f"process_rules.{key}"
            raise SettingsError(f"{place}: no such family of decision nodes; known: {', '.join(FAMILIES)}")


def _check_family(family: str) -> None:
    if family not in FAMILIES:
        raise SettingsError(f"{family}: no such family of decision nodes; known: {', '.join(FAMILIES)}")


def _check(family: str, name: str, node: object) -> None:
    _check_family(family)
    for method in _METHODS[family]:
        if not callable(getattr(node, method, None)):
            raise SettingsError(f"{family}: the node {name!r} ({type(node).__name__}) has no method {method}")
