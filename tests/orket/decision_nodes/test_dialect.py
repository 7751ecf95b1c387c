"""How a small model is offered its work: fewer tools, one action at a time, nothing before its time."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from orket.decision_nodes.actions import action_schema, as_text
from orket.decision_nodes.argument_schema import problems
from orket.decision_nodes.decisions import Offer, OfferInput
from orket.decision_nodes.dialect import DefaultDialect
from orket.decision_nodes.model_choice import calling_of
from orket.domain.cards import CardStatus
from orket.domain.models import Calling, ChatMessage, ChatRole, ProposedCall
from orket.domain.tools import ToolSpec
from orket.domain.verification import Scenario, Verification, VerificationResult, all_failed
from orket.services.tools.toolbox import TOOLBOX
from tests.orket.domain.cases import card

NODE = DefaultDialect()
NAMES = ("get_issue_context", "read_file", "write_file", "run_command", "create_issue", "update_issue_status")
TOOLS: tuple[ToolSpec, ...] = tuple(TOOLBOX[name].spec for name in NAMES)
SMALL = NODE.narrow(TOOLS, Calling.SCHEMA)
BEGINNING = (
    ChatMessage(role=ChatRole.SYSTEM, content="Work."),
    ChatMessage(role=ChatRole.USER, content="Write a.txt."),
)
FAILED = all_failed(
    Verification(fixture_path="v.py", scenarios=(Scenario(id="s", description=""),)), "it is wrong"
)


def did(name: str, answer: str = '{"ok":true}', **arguments: str) -> tuple[ChatMessage, ChatMessage]:
    """A call and what came of it."""
    call = ProposedCall(name=name, arguments_json=json.dumps(arguments), ref=f"{name}{len(answer)}")
    return (
        ChatMessage(role=ChatRole.ASSISTANT, content="", calls=(call,)),
        ChatMessage(role=ChatRole.TOOL, content=answer, ref=call.ref),
    )


WROTE = did("write_file", path="a.txt", content="long " * 30)
READ = did("read_file", path="a.txt")


def offered(
    *past: ChatMessage,
    review: bool = False,
    verification: VerificationResult | None = None,
    calling: Calling = Calling.SCHEMA,
) -> Offer:
    status = CardStatus.CODE_REVIEW if review else CardStatus.IN_PROGRESS
    given = OfferInput(
        messages=(*BEGINNING, *past),
        tools=NODE.narrow(TOOLS, calling),
        card=card("A", status=status),
        review=review,
        verification=verification,
        calling=calling,
    )
    return NODE.offer(given)


def actions(offer: Offer) -> dict[str, Any]:
    """The actions that a schema allows, by tool."""
    told = json.loads(offer.schema_json)["anyOf"]
    return {one["properties"]["tool"]["const"]: one["properties"]["arguments"] for one in told}


@pytest.mark.parametrize(
    ("model", "params", "calling"),
    [
        ("local:qwen2.5-coder-1.5b", "{}", "schema"),
        ("local:own.gguf", "{}", "schema"),
        ("ollama:qwen2.5-coder:3b", "{}", "schema"),
        ("smollm2-135m", "{}", "schema"),
        ("qwen2.5-coder:7b", "{}", "native"),
        ("llama3.1:70b", "{}", "native"),
        ("openai:gpt-5", "{}", "native"),
        ("scripted:1b.json", "{}", "native"),
        ("scripted:1b.json", '{"calling":"schema"}', "schema"),
        ("local:own.gguf", '{"calling":"native"}', "native"),
        ("local:own.gguf", '{"calling":7}', "schema"),
    ],
)
def test_small_models_are_asked_by_schema(model: str, params: str, calling: str) -> None:
    assert calling_of(model, params) == calling


def test_others_get_everything_as_it_is() -> None:
    assert NODE.narrow(TOOLS, Calling.NATIVE) == TOOLS
    assert offered(*WROTE, calling=Calling.NATIVE) == Offer(messages=(*BEGINNING, *WROTE))


def test_a_small_model_gets_the_tools_of_the_work() -> None:
    assert [one.name for one in SMALL] == ["write_file", "run_command", "read_file", "update_issue_status"]
    talk = TOOLS[:1]
    assert NODE.narrow(talk, Calling.SCHEMA) == talk, "rather these than none"


def test_a_status_is_offered_only_after_work() -> None:
    assert set(actions(offered())) == {"write_file", "run_command", "read_file"}
    assert set(actions(offered(*READ))) == set(actions(offered()))
    refused = did("write_file", "Error [denied]: no", path="a.txt", content="")
    assert "update_issue_status" not in actions(offered(*refused))
    assert actions(offered(*WROTE))["update_issue_status"]["properties"] == {
        "status": {"enum": ["code_review"]}
    }


def test_a_verdict_is_offered_only_after_a_look_and_with_its_reason() -> None:
    assert "update_issue_status" not in actions(offered(review=True))
    verdict = actions(offered(*READ, review=True))["update_issue_status"]
    assert verdict["properties"]["status"]["enum"] == ["done", "in_progress"]
    assert verdict["required"] == list(verdict["properties"]) == ["reason", "status"]
    failed = actions(offered(*READ, review=True, verification=FAILED))["update_issue_status"]
    assert failed["properties"]["status"]["enum"] == ["in_progress"]


def test_what_was_done_twice_in_a_row_is_not_offered_again() -> None:
    assert "read_file" not in actions(offered(*WROTE, *READ, *READ))
    assert "read_file" in actions(offered(*READ, *WROTE, *READ))


def test_the_next_step_is_said_at_the_end() -> None:
    assert (
        offered().messages[-1].content
        == "Write a.txt.\n\nNext: write the first file that the card asks for, whole."
    )
    last = offered(*WROTE).messages[-1].content
    assert "Done so far: write_file a.txt. Next:" in last
    assert "update_issue_status (code_review)" in last


def test_a_conversation_is_told_as_actions() -> None:
    told = as_text((*BEGINNING, *WROTE, *READ))
    assert [one.role for one in told] == [
        ChatRole.SYSTEM,
        ChatRole.USER,
        ChatRole.ASSISTANT,
        ChatRole.USER,
        ChatRole.ASSISTANT,
        ChatRole.USER,
    ]
    assert told[2].content.startswith(
        '{"tool": "write_file", "arguments": {"path": "a.txt", "content": "long'
    )
    assert told[3].content == 'write_file answered: {"ok":true}'
    assert not any(one.calls for one in told)


@pytest.mark.parametrize("spec", [one.spec for one in TOOLBOX.values()], ids=list(TOOLBOX))
def test_the_schema_of_every_tool_holds_what_the_tool_requires(spec: ToolSpec) -> None:
    arguments = json.loads(action_schema([spec], ["done"]))["anyOf"][0]["properties"]["arguments"]
    required = json.loads(spec.parameters_json).get("required", [])
    assert sorted(arguments["required"]) == sorted(required) == sorted(arguments["properties"])
    assert not {"minLength", "maxLength", "maxItems"} & set(json.dumps(arguments).split('"'))
    if not required:
        assert problems(spec.parameters_json, {}) == ()


def test_a_card_that_is_final_has_no_status_to_offer() -> None:
    given = OfferInput(
        messages=BEGINNING,
        tools=SMALL,
        card=attrs.evolve(card("A"), status=CardStatus.DONE),
        review=False,
        verification=None,
        calling=Calling.SCHEMA,
    )
    assert NODE.offer(given).schema_json
