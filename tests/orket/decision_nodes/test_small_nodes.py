"""Golden behaviour of the small nodes: tools, recovery, model, loader, sandbox, engine, bridge."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.api_runtime import DefaultApiRuntime
from orket.decision_nodes.decisions import RecoveryAction, RetryPolicy
from orket.decision_nodes.engine_runtime import DefaultEngineRuntime
from orket.decision_nodes.house_rules import NUMBER_RULES, number, unusable
from orket.decision_nodes.loader_strategy import DefaultLoaderStrategy
from orket.decision_nodes.model_client import DefaultModelClientNode
from orket.decision_nodes.recovery import ATTEMPTS_MAX, DefaultRecovery
from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy
from orket.decision_nodes.tool_strategy import DefaultToolStrategy
from orket.domain.assets import Organization
from orket.domain.errors import SettingsError
from orket.domain.sandboxes import Limits
from orket.domain.tools import Recovery
from tests.orket.decision_nodes.cases import BUILDER, TOOLS

INSTALLED = tuple(TOOLS.values())
HOUSE = Organization()


def test_a_role_is_offered_the_installed_tools_it_lists_in_its_order() -> None:
    role = attrs.evolve(BUILDER, tools=("write_file", "google", "read_file", "write_file"))
    offered = DefaultToolStrategy().compose(INSTALLED, role, HOUSE)
    assert offered == (TOOLS["write_file"], TOOLS["read_file"])
    assert DefaultToolStrategy().compose(INSTALLED, attrs.evolve(BUILDER, tools=()), HOUSE) == ()


@pytest.mark.parametrize(
    ("told", "recovery"),
    [("idempotent", Recovery.IDEMPOTENT), ("", Recovery.ASK_HUMAN), ("whatever", Recovery.ASK_HUMAN)],
)
def test_the_house_may_say_how_commands_recover(told: str, recovery: Recovery) -> None:
    house = Organization(command_recovery=told)
    offered = DefaultToolStrategy().compose(INSTALLED, BUILDER, house)
    assert {one.name: one.recovery for one in offered if one.recovery is not Recovery.ASK_HUMAN} == (
        {} if recovery is Recovery.ASK_HUMAN else {"run_command": recovery}
    )


@pytest.mark.parametrize(
    ("declared", "action"),
    [
        (Recovery.IDEMPOTENT, RecoveryAction.RUN_AGAIN),
        (Recovery.PROBE, RecoveryAction.PROBE),
        (Recovery.COMPENSATE, RecoveryAction.COMPENSATE),
        (Recovery.ASK_HUMAN, RecoveryAction.ASK),
    ],
)
def test_a_call_in_doubt_is_treated_as_declared_a_bounded_number_of_times(
    declared: Recovery, action: RecoveryAction
) -> None:
    node = DefaultRecovery()
    for attempts in range(1, ATTEMPTS_MAX):
        assert node.recover(TOOLS["run_command"], declared, attempts) is action
    assert node.recover(TOOLS["run_command"], declared, ATTEMPTS_MAX) is RecoveryAction.ASK


@pytest.mark.parametrize(
    ("model", "adapter"),
    [
        ("scripted:replies.json", "scripted"),
        ("ollama:llama3.1:8b", "ollama"),
        ("small-coder:3b", "ollama"),
        ("local:qwen2.5-coder-1.5b", "local"),
        ("anthropic:claude@http://127.0.0.1:1", "anthropic"),
        ("responses:gpt", "responses"),
        ("scripted", "scripted"),
        ("", "ollama"),
    ],
)
def test_the_word_before_the_colon_names_the_adapter_if_there_is_one(model: str, adapter: str) -> None:
    assert DefaultModelClientNode().adapter(model) == adapter


def test_a_script_is_asked_once_and_a_server_three_times() -> None:
    node = DefaultModelClientNode()
    assert node.retries("scripted:x").attempts_max == 1
    assert node.retries("llama3.1:8b") == RetryPolicy(attempts_max=3, first_delay_s=1.0, delay_max_s=8.0)


def test_assets_are_looked_for_in_config_then_department_then_core() -> None:
    node = DefaultLoaderStrategy()
    assert node.candidates("teams", "pair", "web") == (
        "config/teams/pair.json",
        "model/web/teams/pair.json",
        "model/core/teams/pair.json",
    )
    assert node.candidates("teams", "pair", "core") == (
        "config/teams/pair.json",
        "model/core/teams/pair.json",
    )


@given(st.text())
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    for path in DefaultLoaderStrategy().candidates("teams", name, "core"):
        assert path.count("/") == path.replace(name, "x").count("/")
        assert ".." not in path.split("/")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\\b", "a\0b"])
def test_a_name_that_is_a_path_is_looked_for_nowhere(name: str) -> None:
    node = DefaultLoaderStrategy()
    assert node.candidates("teams", name, "core") == node.candidates("teams", "pair", name) == ()


def test_weaker_sandboxes_must_be_allowed_by_name() -> None:
    node = DefaultSandboxPolicy()
    assert node.levels(HOUSE) == ("bubblewrap",)
    assert node.levels(Organization(sandbox_levels=("process", "bubblewrap", "process"))) == (
        "process",
        "bubblewrap",
    )


def test_a_command_has_the_ports_default_bounds_unless_the_house_sets_others() -> None:
    node = DefaultSandboxPolicy()
    assert node.limits(HOUSE) == Limits()
    house = Organization(process_rules=(("command_wall_s", "5"), ("command_output_bytes", "100")))
    assert node.limits(house) == Limits(wall_s=5.0, output_bytes=100)


def test_a_sandbox_is_named_after_its_run() -> None:
    assert DefaultSandboxPolicy().sandbox_id("0a1b2c3d") == "sandbox-0a1b2c3d"
    assert DefaultSandboxPolicy().sandbox_id("My Rock").startswith("sandbox-my-rock-")


@given(st.text(max_size=8), st.text(max_size=8))
def test_different_runs_have_different_sandboxes(one: str, other: str) -> None:
    node = DefaultSandboxPolicy()
    assert (node.sandbox_id(one) == node.sandbox_id(other)) == (one == other)


def test_a_run_works_where_it_was_told_to_or_in_a_folder_of_its_own() -> None:
    node = DefaultEngineRuntime()
    assert node.workspace("0a1b2c3d", "", "/data/") == "/data/workspaces/0a1b2c3d"
    assert node.workspace("0a1b2c3d", "/srv/work", "/data") == "/srv/work"
    assert node.runs_max(HOUSE) == 16


@pytest.mark.parametrize(
    ("bound", "hosts"),
    [
        ("127.0.0.1", ("127.0.0.1", "localhost", "[::1]")),
        ("::1", ("127.0.0.1", "localhost", "[::1]")),
        ("box.local", ("box.local", "127.0.0.1", "localhost", "[::1]")),
        ("fd00::7", ("[fd00::7]", "127.0.0.1", "localhost", "[::1]")),
        ("0.0.0.0", ("*",)),
        ("::", ("*",)),
    ],
)
def test_the_bridge_answers_to_the_names_it_is_bound_to(bound: str, hosts: tuple[str, ...]) -> None:
    assert DefaultApiRuntime().allowed_hosts(bound) == hosts


@given(st.integers(-10, 10**9))
def test_a_caller_that_was_shed_comes_back_within_half_a_minute(queued: int) -> None:
    node = DefaultApiRuntime()
    assert 1 <= node.retry_after_s(queued) <= node.retry_after_s(queued + 1) <= 30


@pytest.mark.parametrize("text", ["", "0", "-1", "many", "3.0", "1e2", "9" * 40, "³", "true"])
@pytest.mark.parametrize("rule", NUMBER_RULES, ids=lambda rule: rule.key)
def test_a_number_rule_is_a_number_or_an_error(rule: object, text: str) -> None:
    chosen = next(one for one in NUMBER_RULES if one is rule)
    text = str(chosen.least - 1) if text == "0" else text
    house = Organization(process_rules=((chosen.key, text),))
    with pytest.raises(SettingsError, match=f"process_rules.{chosen.key}"):
        number(house, chosen)
    assert chosen.key in unusable(house)


def test_number_rules_have_defaults_within_their_own_bounds() -> None:
    assert unusable(HOUSE) == ""
    for rule in NUMBER_RULES:
        assert number(HOUSE, rule) == rule.default <= rule.most
        for text, value in ((str(rule.least), rule.least), (f" {rule.most} ", rule.most)):
            assert number(Organization(process_rules=((rule.key, text),)), rule) == value
