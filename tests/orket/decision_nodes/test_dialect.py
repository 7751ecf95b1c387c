"""How a small model is offered its work: fewer tools, one action at a time, nothing before its time."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from orket.decision_nodes.actions import action_schema, as_text
from orket.decision_nodes.argument_schema import problems
from orket.decision_nodes.decisions import Offer
from orket.decision_nodes.dialect import DefaultDialect
from orket.decision_nodes.model_choice import answer_tokens_max, calling_of, fallbacks_for
from orket.domain.assets import Environment, Organization
from orket.domain.cards import CardStatus
from orket.domain.models import Calling, ChatMessage, ChatRole, ProposedCall
from orket.domain.runs import CallState, TurnState
from orket.domain.tools import ToolResult, ToolSpec
from orket.domain.verification import Scenario, Verification, VerificationResult, all_failed
from orket.services.tools.toolbox import TOOLBOX
from tests.orket.decision_nodes.cases import answered, epic, taken
from tests.orket.decision_nodes.test_prompt_strategy import prompt
from tests.orket.domain.cases import card

NODE = DefaultDialect()
NAMES = ("get_issue_context", "read_file", "write_file", "run_command", "create_issue", "update_issue_status")
TOOLS: tuple[ToolSpec, ...] = tuple(TOOLBOX[name].spec for name in NAMES)
SMALL = NODE.narrow(TOOLS, Calling.SCHEMA)
BEGINNING = (
    ChatMessage(role=ChatRole.SYSTEM, content="Work."),
    ChatMessage(role=ChatRole.USER, content="Write a.txt."),
)
VERIFICATION = Verification(fixture_path="v.py", scenarios=(Scenario(id="s", input_json='{"text":"1"}'),))
FAILED = all_failed(VERIFICATION, "expected 1, got 2")


def did(name: str, ok: bool = True, **arguments: str) -> CallState:
    """A call and what came of it."""
    result = ToolResult(ok=ok, output='{"ok":true}')
    return answered(name, result, arguments=json.dumps(arguments))


WROTE = did("write_file", path="a.txt", content="long " * 30)
READ = did("read_file", path="a.txt")


def offered(
    *past: CallState,
    review: bool = False,
    wants: str = "",
    before: tuple[TurnState, ...] = (),
    verification: VerificationResult | None = None,
    sent_back: VerificationResult | None = None,
    retries: int = 0,
    environment: Environment | None = None,
    calling: Calling = Calling.SCHEMA,
) -> Offer:
    status = CardStatus.CODE_REVIEW if review else CardStatus.IN_PROGRESS
    it = attrs.evolve(
        card("A", status=status), requirements=wants, retry_count=retries, verification=VERIFICATION
    )
    history = (*before, *(taken(one, review=review) for one in past))
    given = prompt(
        card=it,
        tools=NODE.narrow(TOOLS, calling),
        review=review,
        history=history,
        verification=verification,
        sent_back=sent_back,
        calling=calling,
        **({} if environment is None else {"epic": attrs.evolve(epic(), environment=environment)}),
    )
    return NODE.offer(BEGINNING, given)


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
    assert offered(WROTE, calling=Calling.NATIVE) == Offer(messages=BEGINNING)


def test_a_small_model_gets_the_tools_of_the_work() -> None:
    assert [one.name for one in SMALL] == ["write_file", "run_command", "read_file", "update_issue_status"]
    talk = TOOLS[:1]
    assert NODE.narrow(talk, Calling.SCHEMA) == talk, "rather these than none"


WORK = {"write_file", "run_command", "read_file"}


def test_a_status_is_offered_only_after_work() -> None:
    assert set(actions(offered())) == WORK
    assert set(actions(offered(READ))) == WORK
    assert set(actions(offered(did("write_file", ok=False, path="a.txt", content="")))) == WORK
    after = actions(offered(WROTE))
    assert set(after) == WORK | {"update_issue_status"}, "what else the card wants nobody knows"
    assert after["update_issue_status"]["properties"] == {"status": {"enum": ["code_review"]}}


def test_every_file_that_the_card_names_is_waited_for() -> None:
    wants = "Files a.txt and sub/b.py, with a fractions.Fraction as in verification/v.py."
    half = offered(WROTE, wants=wants)
    assert set(actions(half)) == WORK
    assert "Done so far: write_file a.txt. Next: write the file sub/b.py, whole." in half.messages[-1].content
    whole = offered(WROTE, did("write_file", path="./sub/b.py", content=""), wants=wants)
    assert set(actions(whole)) == {"update_issue_status"}
    assert "Next: update_issue_status with code_review" in whole.messages[-1].content


def test_what_was_sent_back_is_worked_on_again() -> None:
    before = (taken(WROTE), taken(READ, review=True))
    assert set(actions(offered(wants="a.txt", before=before))) == WORK
    assert set(actions(offered(WROTE, wants="a.txt", before=before))) == {"update_issue_status"}


def test_only_files_that_the_card_names_and_that_are_missing_are_written() -> None:
    first = actions(offered(wants="Files a.txt and sub/b.py."))
    assert first["write_file"]["properties"]["path"] == {"enum": ["a.txt", "sub/b.py"]}
    assert first["read_file"]["properties"]["path"] == {"type": "string"}
    then = actions(offered(WROTE, wants="Files a.txt and sub/b.py."))
    assert then["write_file"]["properties"]["path"] == {"enum": ["sub/b.py"]}
    assert actions(offered())["write_file"]["properties"]["path"] == {"type": "string"}
    assert actions(offered(review=True, wants="a.txt"))["write_file"]["properties"]["path"] == {
        "type": "string"
    }


def test_who_works_on_what_was_sent_back_is_told_what_verification_found() -> None:
    before = (taken(WROTE), taken(READ, review=True))
    told = offered(wants="a.txt", before=before, sent_back=FAILED).messages[-1].content
    found = 'The file a.txt is wrong. Verification for {"text":"1"}: expected 1, got 2.'
    assert told.endswith(f"{found}\nNext: write it again, whole and corrected.")
    for other in (
        offered(READ, wants="a.txt", before=before[:1], review=True, sent_back=FAILED),
        offered(WROTE, wants="a.txt", before=before, sent_back=FAILED),
    ):
        assert "is wrong" not in other.messages[-1].content


def test_a_tool_of_a_server_that_the_card_names_comes_first() -> None:
    clock = attrs.evolve(TOOLBOX["run_command"].spec, name="time__now", path_arguments=())
    wants = attrs.evolve(card("A"), requirements="Ask time__now, then write a.txt.")
    it = prompt(card=wants, tools=(*SMALL, clock), calling=Calling.SCHEMA)
    offer = NODE.offer(BEGINNING, it)
    assert offer.messages[-1].content.endswith("Next: call time__now.")
    assert set(actions(offer)) == {"time__now"}, "or it makes the answer up"
    asked = attrs.evolve(it, history=(taken(did("time__now", timezone="UTC")),))
    assert "Next: write the file a.txt, whole." in NODE.offer(BEGINNING, asked).messages[-1].content
    other = attrs.evolve(it, card=attrs.evolve(wants, requirements="Never use run_command. Write a.txt."))
    assert "Next: write the file a.txt, whole." in NODE.offer(BEGINNING, other).messages[-1].content


@pytest.mark.parametrize(
    ("environment", "backs", "retries", "temperature", "seed"),
    [
        (Environment(name="e"), 0, 0, None, None),
        (Environment(name="e"), 1, 0, 0.3, 1),
        (Environment(name="e"), 1, 1, 0.6, 2),
        (Environment(name="e", seed=7), 2, 3, 0.9, 12),
        (Environment(name="e", temperature=1.5), 1, 0, 1.5, 1),
    ],
)
def test_what_is_asked_again_is_asked_with_more_freedom(
    environment: Environment, backs: int, retries: int, temperature: float | None, seed: int | None
) -> None:
    before = (taken(WROTE), taken(READ, review=True)) * backs
    it = offered(before=before, retries=retries, environment=environment)
    assert (it.temperature, it.seed) == (temperature, seed)
    judged = offered(before=before, retries=retries, environment=environment, review=True)
    assert (judged.temperature, judged.seed) == (None, None), "a verdict is not to be guessed"


def test_a_verdict_is_offered_only_after_a_look_and_with_its_reason() -> None:
    built = (taken(WROTE),)
    assert set(actions(offered(review=True, before=built))) == WORK
    verdict = actions(offered(READ, review=True, before=built))
    assert set(verdict) == {"update_issue_status"}
    told = verdict["update_issue_status"]
    assert told["properties"]["status"]["enum"] == ["done", "in_progress"]
    assert told["required"] == list(told["properties"]) == ["reason", "status"]
    failed = actions(offered(READ, review=True, verification=FAILED))["update_issue_status"]
    assert failed["properties"]["status"]["enum"] == ["in_progress"]


def test_what_was_done_twice_in_a_row_is_not_offered_again() -> None:
    assert "read_file" not in actions(offered(READ, READ))
    assert "read_file" in actions(offered(READ, WROTE, READ))


def test_a_conversation_is_told_as_actions() -> None:
    call = ProposedCall(name="write_file", arguments_json='{"content":"long","path":"a"}', ref="c")
    talk = (
        ChatMessage(role=ChatRole.ASSISTANT, content="", calls=(call,)),
        ChatMessage(role=ChatRole.TOOL, content="written", ref="c"),
        ChatMessage(role=ChatRole.USER, content="Go on."),
    )
    told = as_text((*BEGINNING, *talk))
    roles = [ChatRole.SYSTEM, ChatRole.USER, ChatRole.ASSISTANT, ChatRole.USER]
    assert [one.role for one in told] == roles
    assert told[2].content == '{"tool": "write_file", "arguments": {"path": "a", "content": "long"}}'
    assert told[3].content == "write_file answered: written\n\nGo on."
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
    given = prompt(card=card("A", status=CardStatus.DONE), tools=SMALL, calling=Calling.SCHEMA)
    assert NODE.offer(BEGINNING, given).schema_json


@pytest.mark.parametrize(
    ("params", "most"),
    [("{}", 2048), ('{"output_tokens_max":99}', 99), ('{"output_tokens_max":0}', 2048), ("[]", 2048)],
)
def test_an_answer_is_as_long_as_the_environment_says(params: str, most: int) -> None:
    assert answer_tokens_max(params, Calling.SCHEMA) == most


@pytest.mark.parametrize(
    ("params", "rule", "others"),
    [
        ("{}", "", ()),
        ("{}", "b, c,,b, main", ("b", "c")),
        ('{"fallback_models":["d"]}', "b", ("d",)),
        ('{"fallback_models":[]}', "b", ()),
        ('{"fallback_models":"d"}', "b", ("b",)),
    ],
)
def test_who_answers_instead(params: str, rule: str, others: tuple[str, ...]) -> None:
    house = Organization(process_rules=(("fallback_llms", rule),))
    it = attrs.evolve(epic(), environment=Environment(name="local", params_json=params))
    assert fallbacks_for("main", it, house) == others
