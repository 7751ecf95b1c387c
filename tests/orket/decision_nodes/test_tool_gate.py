"""The gate: each rule denies what it names, hostile arguments never pass, deny beats ask beats allow."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import GateInput
from orket.decision_nodes.policy import policy_version
from orket.decision_nodes.tool_gate import REASON_CHARS_MAX, WRITE_BYTES_MAX, DefaultToolGate, IDesignToolGate
from orket.decision_nodes.workspace_paths import PROTECTED
from orket.domain.assets import PolicyRule
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.errors import StateMachineError
from orket.domain.state_machine import validate_transition
from orket.domain.tools import GateDecision, Verdict
from orket.domain.verification import (
    Scenario,
    ScenarioResult,
    ScenarioStatus,
    Verification,
    VerificationResult,
)
from orket.services.tools.toolbox import TOOLBOX
from tests.orket.decision_nodes.cases import TOOLS, asked
from tests.orket.domain.cases import card

WRITE: Mapping[str, object] = {"path": "ledger.py", "content": "x = 1\n"}


def judge(given_: GateInput) -> GateDecision:
    return DefaultToolGate().judge(given_)


def denied(given_: GateInput, rule: str) -> str:
    said = judge(given_)
    assert (said.verdict, said.rule) == (Verdict.DENY, rule)
    assert said.reason
    return said.reason


def test_what_a_role_lists_is_allowed_and_the_decision_explains_itself() -> None:
    said = judge(asked("write_file", WRITE))
    assert said == GateDecision(
        verdict=Verdict.ALLOW,
        rule="role_tools",
        reason="seat builder was offered write_file",
        policy_version=policy_version((), "default/3"),
    )


def test_an_unknown_tool_is_denied_even_if_a_role_lists_it() -> None:
    assert denied(asked("google", role_tools=("google",)), "unknown_tool") == "there is no tool 'google'"


def test_a_declaration_of_another_tool_does_not_count() -> None:
    given_ = attrs.evolve(asked("write_file", WRITE), spec=TOOLS["read_file"])
    denied(given_, "unknown_tool")


@pytest.mark.parametrize("tools", [(), ("read_file",)])
def test_a_tool_that_was_not_offered_is_denied(tools: tuple[str, ...]) -> None:
    denied(asked("write_file", WRITE, role_tools=tools), "role_tools")


def test_wrong_arguments_are_named_with_their_pointers() -> None:
    reason = denied(asked("write_file", {"path": 7, "colour": "red"}), "arguments")
    assert reason.split("; ") == [
        "/content: is required",
        "/path: must be string, not integer",
        "/colour: is not an argument (known: content, path)",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "/etc/passwd",
        "//etc",
        "~/x",
        "~root/x",
        "C:/x",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "./../x",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "a\u202eb",
        "a\u200bb",
        "a\\b",
        "..\\x",
        " a",
        "a ",
        ".orket/durable/orket.db",
        "sub/.orket/x",
        ".git/config",
        "sub/.git/hooks/pre-commit",
        ".GIT/config",
        ".git./config",
        "./.git/config",
        ".//.git/config",
        ".env",
        "conf/.env",
        ".env.local",
        ".ssh/id",
        "a" * 256,
        "/".join(["abc"] * 400),
        "\uff0egit/config",
    ],
)
@pytest.mark.parametrize("tool", ["read_file", "write_file"])
def test_a_hostile_path_is_denied_for_reading_and_writing(tool: str, path: str) -> None:
    arguments = {"path": path} if tool == "read_file" else {"path": path, "content": ""}
    assert denied(asked(tool, arguments), "path").startswith("/path: ")


@pytest.mark.parametrize(
    "path",
    [".", "ledger.py", "./a//b.py", "src/deep/er/x.txt", ".gitignore", ".github/ci.yml", "a..b", "naïve.md"],
)
def test_an_ordinary_path_is_allowed(path: str) -> None:
    assert judge(asked("read_file", {"path": path})).verdict is Verdict.ALLOW


names = st.text(st.characters(exclude_characters="/"), min_size=1, max_size=12)
hostile = st.one_of(
    st.just(".."),
    st.sampled_from(sorted(PROTECTED)),
    st.sampled_from(sorted(PROTECTED)).map(str.upper),
    names.map(lambda one: one + "\0"),
    names.map(lambda one: "a\\" + one),
    st.characters(categories=["Cc", "Cf", "Cs"]).map(lambda one: f"a{one}b"),
)


@given(before=st.lists(names, max_size=3), bad=hostile, after=st.lists(names, max_size=3))
def test_no_path_with_a_hostile_part_ever_passes(before: list[str], bad: str, after: list[str]) -> None:
    path = "/".join([*before, bad, *after])
    for gate in (DefaultToolGate(), IDesignToolGate()):
        said = gate.judge(asked("write_file", {"path": path, "content": ""}))
        assert said.verdict is Verdict.DENY
        said.reason.encode()


@given(path=st.text(st.characters(categories=None), max_size=30))
def test_whatever_passes_stays_below_the_workspace(path: str) -> None:
    if judge(asked("read_file", {"path": path})).verdict is Verdict.ALLOW:
        depth = 0
        for name in path.split("/"):
            depth += {"..": -1, "": 0, ".": 0}.get(name, 1)
            assert depth >= 0
        assert not path.startswith("/")
        assert "\0" not in path
        path.encode()


@pytest.mark.parametrize(
    "path", ["verification/x.py", "./verification/x.py", "Verification/x", "verification"]
)
def test_fixtures_can_be_read_and_not_written(path: str) -> None:
    denied(asked("write_file", {"path": path, "content": ""}), "verification_dir")
    assert judge(asked("read_file", {"path": path})).verdict is Verdict.ALLOW
    assert judge(asked("write_file", {"path": f"sub/{path}", "content": ""})).verdict is Verdict.ALLOW


def test_a_write_is_bounded_in_bytes_not_in_characters() -> None:
    def write(content: str) -> GateInput:
        return asked("write_file", {"path": "a", "content": content})

    assert judge(write("x" * (WRITE_BYTES_MAX - 1))).verdict is Verdict.ALLOW
    assert denied(write("é" * (WRITE_BYTES_MAX // 2)), "write_size") == (
        f"{WRITE_BYTES_MAX + 1} bytes in one call, at most {WRITE_BYTES_MAX}"
    )


def test_half_a_character_never_reaches_a_file_or_the_ledger() -> None:
    denied(asked("write_file", {"path": "a", "content": "\ud800"}), "arguments")
    denied(asked("write_file", {"path": "a", "content": "", "\udfff": ""}), "arguments").encode()
    assert judge(asked("\ud800", role_tools=())).reason.encode()


def test_reasons_are_bounded() -> None:
    said = judge(asked("write_file", {f"key{n}" * 50: "" for n in range(500)}))
    assert said.rule == "arguments"
    assert len(said.reason) <= REASON_CHARS_MAX


# --- cards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["finished", "DONE", "", "ready "])
def test_an_unknown_status_is_denied(status: str) -> None:
    assert "is none of ready, in_progress" in denied(
        asked("update_issue_status", {"status": status}), "status"
    )


def test_a_wait_reason_must_be_one() -> None:
    assert "'banana' is none of resource" in denied(
        asked("update_issue_status", {"status": "blocked", "wait_reason": "banana"}), "status"
    )
    denied(asked("update_issue_status", {"status": "blocked"}), "state_machine")
    fine = asked("update_issue_status", {"status": "blocked", "wait_reason": "input"})
    assert judge(fine).verdict is Verdict.ALLOW


def test_a_seat_moves_its_own_card_only() -> None:
    reason = denied(asked("update_issue_status", {"status": "code_review", "issue_id": "B"}), "own_card")
    assert reason == "/issue_id: seat builder works on A, not on B"
    for own in ("A", ""):
        fine = asked("update_issue_status", {"status": "code_review", "issue_id": own})
        assert judge(fine).verdict is Verdict.ALLOW


@given(
    current=st.sampled_from(CardStatus),
    wanted=st.sampled_from(CardStatus),
    reason=st.sampled_from([None, *WaitReason]),
    review=st.booleans(),
)
def test_the_gate_allows_exactly_what_the_law_of_the_cards_allows(
    current: CardStatus, wanted: CardStatus, reason: WaitReason | None, review: bool
) -> None:
    one = card("A", status=current)
    given_ = asked("update_issue_status", {"status": wanted, "wait_reason": reason}, on=one, review=review)
    said = judge(given_)
    if said.verdict is Verdict.ALLOW:
        validate_transition(one.type, current, wanted, given_.roles, reason)
    else:
        assert said.rule == "state_machine"
        with pytest.raises(StateMachineError, match=re.escape(said.reason)):
            validate_transition(one.type, current, wanted, given_.roles, reason)


def test_a_role_called_system_may_not_do_what_the_system_may() -> None:
    given_ = asked("update_issue_status", {"status": "canceled"}, review=True)
    denied(attrs.evolve(given_, roles=("system",)), "state_machine")


DECLARED = Verification(fixture_path="verification/x.py", scenarios=(Scenario(id="S1"), Scenario(id="S2")))


def results(**statuses: str) -> VerificationResult:
    made = tuple(ScenarioResult(id=name, status=ScenarioStatus(status)) for name, status in statuses.items())
    return VerificationResult(results=made)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "A declares a verification that has not been run"),
        (results(), "verification has not passed: S1, S2"),
        (results(S1="pass"), "verification has not passed: S2"),
        (results(S1="pass", S2="fail"), "verification has not passed: S2"),
        (results(S1="pass", S2="pending"), "verification has not passed: S2"),
        (results(S1="pass", S2="pass", S3="fail"), "verification has not passed: S3"),
    ],
)
def test_done_needs_every_declared_scenario_to_have_passed(
    result: VerificationResult | None, said: str
) -> None:
    one = attrs.evolve(card("A", status=CardStatus.CODE_REVIEW), verification=DECLARED)
    given_ = asked("update_issue_status", {"status": "done"}, on=one, review=True, verification=result)
    assert denied(given_, "verification") == said
    back = asked("update_issue_status", {"status": "in_progress"}, on=one, review=True, verification=result)
    assert judge(back).verdict is Verdict.ALLOW


def test_a_verified_card_may_be_done() -> None:
    one = attrs.evolve(card("A", status=CardStatus.CODE_REVIEW), verification=DECLARED)
    passed = results(S1="pass", S2="pass")
    given_ = asked("update_issue_status", {"status": "done"}, on=one, review=True, verification=passed)
    assert judge(given_).verdict is Verdict.ALLOW


@pytest.mark.parametrize("summary", ["", "four", "  four  "])
def test_a_new_issue_says_what_it_is_about(summary: str) -> None:
    denied(asked("create_issue", {"seat": "builder", "summary": summary}), "summary")


def test_a_new_issue_with_five_characters_is_fine() -> None:
    assert judge(asked("create_issue", {"seat": "builder", "summary": "fives"})).verdict is Verdict.ALLOW


# --- iDesign -------------------------------------------------------------------------------------


def test_idesign_is_chosen_by_its_node_and_asked_for_by_the_epic() -> None:
    root = asked("write_file", WRITE)
    assert judge(root).verdict is Verdict.ALLOW
    said = IDesignToolGate().judge(root)
    assert (said.verdict, said.rule) == (Verdict.DENY, "idesign")
    assert said.reason.startswith("ROOT_FILE_VIOLATION")
    assert said.policy_version != judge(root).policy_version
    assert IDesignToolGate().judge(attrs.evolve(root, idesign=False)).verdict is Verdict.ALLOW
    reading = asked("read_file", {"path": "ledger.py"})
    assert IDesignToolGate().judge(reading).verdict is Verdict.ALLOW


def test_python_that_the_gate_cannot_see_is_not_let_through_where_it_must_be_judged() -> None:
    def patch(path: str) -> GateInput:
        given_ = asked("apply_patch", {"path": path, "patch": "@@"}, role_tools=("apply_patch",))
        return attrs.evolve(given_, spec=TOOLBOX["apply_patch"].spec)

    said = IDesignToolGate().judge(patch("tests/test_x.py"))
    assert (said.verdict, said.rule) == (Verdict.DENY, "idesign_code")
    assert "use write_file" in said.reason
    assert judge(patch("tests/test_x.py")).verdict is Verdict.ALLOW
    assert IDesignToolGate().judge(patch("docs/notes.md")).verdict is Verdict.ALLOW


# --- policy --------------------------------------------------------------------------------------


def test_the_house_may_deny_and_ask_and_says_which_rule_did() -> None:
    policy = (
        PolicyRule(effect="ask", tool="write_file", path="docs/*"),
        PolicyRule(effect="deny", tool="write_*", path="docs/secret/*"),
    )

    def write(path: str) -> GateDecision:
        return judge(asked("write_file", {"path": path, "content": ""}, policy=policy))

    assert write("src/x").verdict is Verdict.ALLOW
    assert (write("docs/x").verdict, write("docs/x").rule) == (Verdict.ASK, "policy/0")
    assert (write("./docs//secret/x").verdict, write("docs/secret/x").rule) == (Verdict.DENY, "policy/1")
    assert write("docs/x").reason == "the house asks a person about tool write_file, path docs/*, seat *"


def test_no_policy_opens_what_a_rule_of_the_gate_denies() -> None:
    everything = (PolicyRule(effect="allow"),)
    denied(asked("write_file", WRITE, role_tools=(), policy=everything), "role_tools")
    denied(asked("write_file", {"path": "../x", "content": ""}, policy=everything), "path")
    assert judge(asked("write_file", WRITE, policy=everything)).rule == "policy/0"


effects = st.sampled_from(["allow", "ask", "deny"])
rules = st.builds(
    PolicyRule,
    effect=effects,
    tool=st.sampled_from(["*", "write_file", "read_*", "other"]),
    path=st.sampled_from(["*", "*.py", "docs/*"]),
    seat=st.sampled_from(["*", "builder", "guard"]),
)


@given(policy=st.lists(rules, max_size=6), path=st.sampled_from(["a.py", "docs/a.md", "x"]), data=st.data())
def test_deny_beats_ask_beats_allow_in_any_order(
    policy: list[PolicyRule], path: str, data: st.DataObject
) -> None:
    def verdict(chosen: list[PolicyRule]) -> Verdict:
        return judge(asked("write_file", {"path": path, "content": ""}, policy=tuple(chosen))).verdict

    strictness = [Verdict.ALLOW, Verdict.ASK, Verdict.DENY]
    said = verdict(policy)
    assert verdict(data.draw(st.permutations(policy))) is said
    assert verdict([*policy, PolicyRule(effect="deny")]) is Verdict.DENY
    # With a rule that allows everything some rule always matches, so the strictest of them decides.
    opened = verdict([*policy, PolicyRule(effect="allow")])
    asking = verdict([*policy, PolicyRule(effect="ask")])
    assert strictness.index(asking) == max(strictness.index(opened), 1)
    assert strictness.index(opened) <= strictness.index(said)


# --- no input makes it raise ----------------------------------------------------------------------


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=None), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["path", "content", "status", "wait_reason", "issue_id", "summary", "seat", "argv"])


@given(
    tool=st.sampled_from([*TOOLS, "unknown"]),
    arguments=st.dictionaries(keys | st.text(max_size=4), json_values, max_size=4),
    review=st.booleans(),
)
def test_every_call_gets_a_decision_that_can_be_recorded(
    tool: str, arguments: dict[str, object], review: bool
) -> None:
    for gate in (DefaultToolGate(), IDesignToolGate()):
        said = gate.judge(asked(tool, arguments, review=review))
        assert said.rule
        assert said.policy_version
        said.reason.encode()
        assert gate.judge(asked(tool, arguments, review=review)) == said
