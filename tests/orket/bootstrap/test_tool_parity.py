"""Every tool of the earlier system is here by the name its role files use, whoever selects the strategy."""

from pathlib import Path

import pytest

from orket.bootstrap.tools import installed_tools
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.assets import Organization, Role
from orket.domain.tools import ToolSpec
from orket.settings import Settings

EARLIER = (
    "read_file",
    "write_file",
    "list_directory",
    "create_issue",
    "update_issue_status",
    "add_issue_comment",
    "get_issue_context",
    "nominate_card",
    "report_credits",
    "refinement_proposal",
    "request_excuse",
    "archive_eval",
    "promote_prompt",
)


class Backwards:
    """A strategy of another package."""

    def compose(
        self, installed: tuple[ToolSpec, ...], role: Role, organization: Organization
    ) -> tuple[ToolSpec, ...]:
        """Offer what the role lists, the last first."""
        return tuple(one for name in reversed(role.tools) for one in installed if one.name == name)


@pytest.mark.parametrize(
    ("rules", "environ", "expected"),
    [
        ((), {}, EARLIER),
        ((("tool_strategy_node", "default"),), {}, EARLIER),
        ((), {"ORKET_TOOL_STRATEGY_NODE": "default"}, EARLIER),
        ((("tool_strategy_node", "backwards"),), {}, EARLIER[::-1]),
        ((), {"ORKET_TOOL_STRATEGY_NODE": "backwards"}, EARLIER[::-1]),
        ((("tool_strategy_node", "backwards"),), {"ORKET_TOOL_STRATEGY_NODE": "default"}, EARLIER),
    ],
)
def test_the_strategy_maps_every_earlier_tool(
    tmp_path: Path,
    rules: tuple[tuple[str, str], ...],
    environ: dict[str, str],
    expected: tuple[str, ...],
) -> None:
    settings = Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "model", cwd=tmp_path)
    installed = tuple(tool.spec for tool in installed_tools(settings).values())
    registry = NodeRegistry([("tool_strategy_node", "backwards", Backwards)])
    strategy = registry.resolve(rules, environ).tool_strategy
    role = Role(name="r", tools=(*EARLIER, "google_web_search"))
    told = [one.name for one in strategy.compose(installed, role, Organization())]
    assert told == list(expected)
