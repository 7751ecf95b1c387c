"""What a model is told: its model and dialect, the sections, the card, its own past, always in bounds."""

from __future__ import annotations

import json
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import ModelChoice, PromptInput
from orket.decision_nodes.model_choice import dialect_of
from orket.decision_nodes.prompt_history import message_tokens
from orket.decision_nodes.prompt_size import clip
from orket.decision_nodes.prompt_strategy import GO_ON, DefaultPromptStrategy
from orket.domain.assets import Dialect, Organization
from orket.domain.cards import CardStatus, Comment
from orket.domain.models import ChatMessage, ChatRole, ModelReply
from orket.domain.runs import TurnState
from orket.domain.tools import ToolResult, failed
from orket.domain.verification import (
    Scenario,
    ScenarioResult,
    ScenarioStatus,
    Verification,
    VerificationResult,
)
from tests.orket.decision_nodes.cases import (
    BUILDER,
    BUILDER_SEAT,
    GUARD,
    GUARD_SEAT,
    TOOLS,
    answered,
    epic,
    taken,
    workload,
)
from tests.orket.domain.cases import card

NODE = DefaultPromptStrategy()
CARD = attrs.evolve(
    card("A", status=CardStatus.IN_PROGRESS),
    name="Parse journal lines",
    description="One line, one entry.",
    requirements="Reject empty lines.",
    note="Keep it small.",
)
DIALECT = Dialect(
    model_family="plainjson",
    dsl_format='{"tool":"NAME","args":{}}',
    constraints=("One JSON object per call",),
    hallucination_guard="No prose outside JSON.",
)
FINE = ToolResult(ok=True, output='{"ok":true}')


def prompt(**changes: object) -> PromptInput:
    made = PromptInput(
        card=CARD,
        epic=epic(CARD),
        seat=BUILDER_SEAT,
        role=BUILDER,
        review=False,
        dialect=DIALECT,
        tools=(TOOLS["read_file"], TOOLS["write_file"]),
        comments=(),
        verification=None,
        history=(),
        workload=workload(),
    )
    return attrs.evolve(made, **changes)  # type: ignore[arg-type]  # tests name real fields


def messages(**changes: object) -> tuple[ChatMessage, ...]:
    return NODE.compile(prompt(**changes))


# --- which model ---------------------------------------------------------------------------------

OVERRIDES = json.dumps({"model_overrides": {"builder_role": "asset-model"}})
HOUSE = Organization(process_rules=(("default_llm", "house-model"),))


def test_the_first_model_that_is_given_wins() -> None:
    full, plain = epic(model="env-model", params_json=OVERRIDES), epic()

    def chosen(*args: object, override: str = "") -> str:
        return NODE.choose_model(*args, override=override).model  # type: ignore[arg-type]  # role, epic, house

    assert chosen(BUILDER, full, HOUSE, override="mine") == "mine"
    assert chosen(BUILDER, full, HOUSE) == "asset-model"
    assert chosen(GUARD, full, HOUSE) == "env-model"
    assert chosen(BUILDER, plain, HOUSE) == "house-model"
    assert chosen(BUILDER, plain, Organization()) == "qwen2.5-coder:7b"
    assert chosen(GUARD, plain, Organization()) == "llama3.1:8b"


@pytest.mark.parametrize(
    "params", ["{}", "[]", '{"model_overrides":7}', '{"model_overrides":{"builder_role":1}}']
)
def test_overrides_of_another_shape_choose_nothing(params: str) -> None:
    said = NODE.choose_model(BUILDER, epic(model="m", params_json=params), HOUSE, override="")
    assert said == ModelChoice(model="m", dialect="generic")


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("qwen2.5-coder:7b", "qwen"),
        ("llama3.1:8b", "llama3"),
        ("CodeLlama:13b", "llama3"),
        ("deepseek-r1-distill-llama:8b", "deepseek-r1"),
        ("phi3:mini", "phi"),
        ("microsoft/phi-4", "phi"),
        ("dolphin-mixtral", "generic"),
        ("small-coder:3b", "generic"),
        ("scripted:/srv/qwen/replies.json", "generic"),
        ("", "generic"),
    ],
)
def test_the_dialect_follows_from_the_models_name(model: str, dialect: str) -> None:
    assert dialect_of(model) == dialect


# --- the words -----------------------------------------------------------------------------------


def test_the_system_message_in_full() -> None:
    assert messages()[0].content == SYSTEM


SYSTEM = """\
IDENTITY
You are Builder (builder_role) at Acme. Writes small modules.
Vision: Small tools
Ethos: Careful

INTENT
Ship working code

RESPONSIBILITIES
- Write files

CONSTRAINTS
- No network

CARD SYSTEM PROTOCOL
- A card says what is wanted; your work is finished when its status says so.
- Act through tool calls only. What you write outside of them changes nothing.
- Paths are relative to the workspace. Files under verification/ cannot be written.
- A call can be denied or fail; its answer says why. Change something before you try again.
- Statuses you may set now: blocked, waiting_for_developer, ready_for_testing, code_review, canceled.
- With blocked or waiting_for_developer give a wait_reason: resource, dependency, review, input, system.

SYNTAX DIALECT
Family: plainjson
Write a tool call like this: {"tool":"NAME","args":{}}
- One JSON object per call

GUARDRAIL
No prose outside JSON.

TOOLS
- read_file: Does read_file. Arguments: {"properties":{"path":{"type":"string"}},"required":["path"],"type":"object"}
- write_file: Does write_file. Arguments: {"properties":{"content":{"type":"string"},"path":{"type":"string"}},"required":["path","content"],"type":"object"}"""  # noqa: E501 - a golden is written as it is


def test_the_card_in_full() -> None:
    assert messages()[1].content == (
        "Card A: Parse journal lines\n"
        "Type issue, priority 2, status in_progress.\n"
        "\nEpic:\nLedger CLI\n"
        "\nDescription:\nOne line, one entry.\n"
        "\nRequirements:\nReject empty lines.\n"
        "\nNote:\nKeep it small.\n"
        "\nDo what the card asks for, then set its status to code_review."
    )


def test_sections_without_content_are_left_out() -> None:
    bare = attrs.evolve(BUILDER, intent="", description="", responsibilities=(), constraints=())
    system = messages(role=bare, dialect=None, tools=())[0].content
    headings = [line for line in system.splitlines() if line.isupper()]
    assert headings == ["IDENTITY", "CARD SYSTEM PROTOCOL", "TOOLS"]
    assert system.endswith("TOOLS\nYou have no tools.")


def test_comments_and_verification_are_told() -> None:
    declared = Verification(scenarios=(Scenario(id="S1", description="two", expected_json="3"),))
    result = VerificationResult(
        results=(ScenarioResult(id="S1", status=ScenarioStatus.FAIL, actual_json="4"),), log="trace"
    )
    text = messages(
        card=attrs.evolve(CARD, verification=declared),
        comments=(Comment("ann", "Mind the sign."),),
        verification=result,
    )[1].content
    assert "Comments:\n- ann: Mind the sign.\n" in text
    assert "- S1: two (input {}, expected 3)\n- Result: 0 of 1 scenarios passed.\n" in text
    assert "- S1 did not pass: wrong value, returned 4\n- Log: trace" in text
    back = messages(card=attrs.evolve(CARD, verification=declared), sent_back=result)[1].content
    found = "- It was sent back. This is what verification found:\n- Result: 0 of 1 scenarios passed.\n"
    assert found in back


def test_a_reviewer_is_told_to_review_and_may_finish() -> None:
    seen = attrs.evolve(CARD, status=CardStatus.CODE_REVIEW)
    system, card_text = messages(card=seen, seat=GUARD_SEAT, role=GUARD, review=True)
    assert "Statuses you may set now: done, in_progress, ready_for_testing." in system.content
    assert "Set status done when it is right" in card_text.content
    result = VerificationResult(results=(ScenarioResult(id="S1", status=ScenarioStatus.FAIL),))
    unsure = messages(card=seen, seat=GUARD_SEAT, role=GUARD, review=True, verification=result)
    assert "it cannot become done" in unsure[1].content


# --- the past ------------------------------------------------------------------------------------


def roles(found: tuple[ChatMessage, ...]) -> list[str]:
    return [str(one.role) for one in found]


def test_own_turns_are_told_as_assistant_tools_and_notes() -> None:
    first = answered("write_file", FINE, arguments='{"content":"x","path":"a.py"}')
    second = answered("read_file", failed("no such file", code="not_found", hint="list first"), index=1)
    found = messages(history=(taken(first, second, text="Writing.", note="Try again."),))
    assert roles(found) == ["system", "user", "assistant", "tool", "tool", "user"]
    said = found[2]
    assert said.content == "Writing."
    assert [(one.name, one.arguments_json, one.ref) for one in said.calls] == [
        ("write_file", '{"content":"x","path":"a.py"}', "turn1-call0"),
        ("read_file", "{}", "turn1-call1"),
    ]
    assert [(one.ref, one.content) for one in found[3:5]] == [
        ("turn1-call0", '{"ok":true}'),
        ("turn1-call1", "Error [not_found]: no such file\nHint: list first"),
    ]
    assert found[5].content == "Try again."


def test_a_models_own_reference_is_kept() -> None:
    one = answered("read_file", FINE)
    referenced = attrs.evolve(one, call=attrs.evolve(one.call, ref="abc"))
    found = messages(history=(taken(referenced),))
    assert found[2].calls[0].ref == found[3].ref == "abc"


def test_a_reviewer_hears_of_the_builders_turns_and_does_not_think_them_its_own() -> None:
    built = taken(answered("write_file", FINE, arguments='{"path":"a.py"}'), text="Written.", note="private")
    found = messages(seat=GUARD_SEAT, role=GUARD, review=True, history=(built,))
    assert roles(found) == ["system", "user"]
    told = found[1].content.split("\n\n")[-1]
    assert told == (
        "Turn 1: seat builder worked on this card.\nIt said: Written.\n"
        'It called write_file {"path":"a.py"} → {"ok":true}'
    )


def test_the_model_always_has_the_last_word_before_it() -> None:
    assert messages(history=(taken(text="Hm."),))[-1] == ChatMessage(role=ChatRole.USER, content=GO_ON)


def test_a_model_that_failed_left_a_note_only() -> None:
    found = messages(history=(taken(error="slow", note="The model gave no usable answer: slow"),))
    assert roles(found) == ["system", "user"]
    assert found[1].content.endswith("The model gave no usable answer: slow")


@pytest.mark.parametrize("arguments", ["not json", "[1]", "{" * 5000, "[" * 100_000, '"x"'])
def test_arguments_that_are_no_object_are_repeated_as_one(arguments: str) -> None:
    bad = answered("read_file", failed("bad", code="bad_arguments"), arguments=arguments)
    [proposed] = messages(history=(taken(bad),))[2].calls
    assert list(json.loads(proposed.arguments_json)) == ["unreadable"]


def test_long_arguments_stay_valid_json() -> None:
    content = json.dumps({"path": "a.py", "content": "é" * 1_000_000, "n": [1] * 10_000})
    [proposed] = messages(history=(taken(answered("write_file", FINE, arguments=content)),))[2].calls
    kept = json.loads(proposed.arguments_json)
    assert kept["path"] == "a.py"
    assert "characters left out" in kept["content"]
    assert len(proposed.arguments_json) < 10_000


def test_the_oldest_turns_are_left_out_first_and_the_newest_stays() -> None:
    turns = tuple(taken(text=f"turn {n} " + "x" * 5_900, number=n, note="go") for n in range(1, 40))
    said = [one.content for one in messages(history=turns) if one.role is ChatRole.ASSISTANT]
    assert said[-1].startswith("turn 39 ")
    assert said[0].startswith("turn 33 ")
    assert sum(map(message_tokens, messages(history=turns))) <= prompt().tokens_max


@st.composite
def pasts(draw: st.DrawFn) -> tuple[TurnState, ...]:
    text = st.text(st.characters(categories=None), max_size=40)
    turns = []
    for number in range(1, draw(st.integers(0, 5)) + 1):
        calls = tuple(
            answered(
                draw(text),
                draw(st.sampled_from([None, FINE, failed("no\ud800", code="x", hint="h")])),
                arguments=draw(st.sampled_from(["{}", '{"a":"\\ud800"}', '{"a":"\ud800"}', "nope"])),
                index=index,
                turn=number,
            )
            for index in range(draw(st.integers(0, 3)))
        )
        made = taken(
            *calls,
            text=draw(text),
            number=number,
            seat=draw(st.sampled_from(["builder", "guard"])),
            note=draw(text),
            error=draw(st.sampled_from(["", "slow"])),
        )
        turns.append(made)
    return tuple(turns)


@given(pasts())
def test_every_conversation_is_valid_sendable_and_the_same_each_time(history: tuple[TurnState, ...]) -> None:
    found = messages(history=history)
    assert found == messages(history=history)
    assert roles(found)[:2] == ["system", "user"]
    assert found[-1].role is not ChatRole.ASSISTANT
    open_refs: list[str] = []
    for before, one in pairwise(found):
        one.content.encode()
        assert not (before.role is one.role is ChatRole.USER)
        if one.role is ChatRole.TOOL:
            assert open_refs.pop(0) == one.ref
        else:
            assert open_refs == []
        for call in one.calls:
            call.name.encode()
            assert isinstance(json.loads(call.arguments_json.encode()), dict)
            open_refs.append(call.ref)
    assert open_refs == []


@given(st.text(), st.integers(2, 50))
def test_a_clipped_text_keeps_its_ends(text: str, chars_max: int) -> None:
    cut = clip(text, chars_max)
    assert cut == text if len(text) <= chars_max else "characters left out" in cut
    assert len(cut) <= chars_max + 50
    assert cut[:1] == text[:1]
    assert cut[-1:] == text[-1:]


def test_a_reply_without_text_or_calls_is_still_a_turn() -> None:
    empty = attrs.evolve(taken(), reply=ModelReply(text=""))
    assert roles(messages(history=(empty,))) == ["system", "user", "assistant", "user"]


@given(pasts(), st.data())
def test_what_was_kept_from_earlier_turns_changes_no_word(
    history: tuple[TurnState, ...], data: st.DataObject
) -> None:
    memo: dict[object, object] = {}
    changes = st.fixed_dictionaries(
        {},
        optional={
            "card": st.sampled_from([CARD, attrs.evolve(CARD, name="Other", status=CardStatus.CODE_REVIEW)]),
            "comments": st.sampled_from([(), (Comment("guard", "Look."),)]),
            "review": st.booleans(),
            "seat": st.sampled_from([BUILDER_SEAT, GUARD_SEAT]),
            "tokens_max": st.sampled_from([600, 12_000]),
            "tools": st.sampled_from([(), (TOOLS["read_file"],)]),
        },
    )
    for number in range(len(history) + 1):
        changed = data.draw(changes)
        fresh = messages(history=history[:number], **changed)
        assert messages(history=history[:number], memo=memo, **changed) == fresh
