"""A prompt accounts for itself: same messages, every part in its message, sizes that add up, bounds kept."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import ExplainsPrompts, PromptInput
from orket.decision_nodes.house_rules import PROMPT_TOKENS
from orket.decision_nodes.prompt_history import message_tokens
from orket.decision_nodes.prompt_sections import COMMENTS_MAX
from orket.decision_nodes.prompt_size import tokens
from orket.decision_nodes.prompt_strategy import GO_ON, DefaultPromptStrategy
from orket.domain.cards import Comment
from orket.domain.identifiers import CardId, RunId
from orket.domain.memory import Memory
from orket.domain.runs import TurnState
from orket.domain.seat_notes import Note
from orket.domain.tools import ToolResult
from orket.testing.clock import START
from tests.orket.decision_nodes.cases import answered, taken
from tests.orket.decision_nodes.test_prompt_strategy import CARD, pasts, prompt

NODE = DefaultPromptStrategy()
NOTE = Note(number=1, card_id=CardId("B"), by="guard", to="builder", text="mind the sign")
MEMORY = Memory(seq=7, at=START, run_id=RunId("r"), card_id=CardId("C"), by="scribe", text="whole cents")


def long_turn(number: int, chars: int) -> TurnState:
    result = ToolResult(ok=True, output="o" * chars)
    made = answered("read_file", result, arguments='{"path":"' + "p" * chars + '"}', turn=number)
    return taken(made, text="t" * chars, number=number, note="n" * chars)


def test_every_part_stands_in_its_message_and_says_where_it_is_from() -> None:
    given = prompt(notes=(NOTE,), memories=(MEMORY,), idesign=True, history=(taken(text="Hm."),))
    account = NODE.explain(given)
    assert account.messages == NODE.compile(given)
    parts = {one.name: one for one in account.parts}
    assert parts["INTENT"].source == "role builder_role"
    assert parts["IDENTITY"].source == "seat builder, role builder_role, organization Acme"
    assert parts["SYNTAX DIALECT"].source == "dialect plainjson"
    assert parts["Notes from other seats"].source == "notes of this run"
    assert parts["Go on"].message == 3
    for one in account.parts:
        assert one.name in account.messages[one.message].content or one.message >= 1
    text = account.messages[1].content
    assert "Notes from other seats:\n- guard (card B): mind the sign" in text
    assert "may be out of date):\n- whole cents (scribe, card C)" in text
    assert "ARCHITECTURE\n- Source files lie" in account.messages[0].content
    assert account.messages[-1].content == GO_ON


def test_what_is_left_out_is_said() -> None:
    card = attrs.evolve(CARD, description="d" * 9_000)
    comments = tuple(Comment("ann", f"remark {n}") for n in range(COMMENTS_MAX + 3))
    turns = tuple(long_turn(n, 3_000) for n in range(1, 12))
    account = NODE.explain(prompt(card=card, comments=comments, history=turns))
    parts = {one.name: one for one in account.parts}
    assert (parts["Description"].chars, parts["Description"].chars_left_out) == (8_000, 1_000)
    assert parts["Comments"].note == "3 older comments left out"
    (dropped,) = (one for one in account.parts if one.chars == 0)
    assert dropped.name.startswith("turns 1 to ")
    assert dropped.chars_left_out > 12_000
    assert "turn 11" in parts
    assert account.tokens <= account.tokens_max


def test_a_strategy_need_not_explain_itself() -> None:
    class Terse:
        """A strategy of somebody else."""

        def compile(self, given: PromptInput) -> tuple[object, ...]:
            return ()

    assert isinstance(NODE, ExplainsPrompts)
    assert not isinstance(Terse(), ExplainsPrompts)


@given(pasts(), st.sampled_from([500, 2_000, 16_000]))
def test_the_account_is_of_the_very_messages(history: tuple[TurnState, ...], most: int) -> None:
    given = prompt(history=history, tokens_max=most)
    account = NODE.explain(given)
    assert account.messages == NODE.compile(given)
    assert account.tokens == sum(map(message_tokens, account.messages))
    assert all(0 <= one.message < len(account.messages) for one in account.parts)
    assert all(one.tokens > 0 for one in account.parts if one.chars)
    turns = [one for one in account.parts if one.name.startswith("turn ")]
    told = [turn for turn in history if turn.turn in {int(one.name.split()[1]) for one in turns}]
    assert not history or history[-1] in told


@pytest.mark.parametrize("most", [3_000, 8_000, PROMPT_TOKENS.default])
@pytest.mark.parametrize("chars", [10, 1_000, 40_000])
def test_a_prompt_keeps_its_bound_however_long_the_past_is(most: int, chars: int) -> None:
    turns = tuple(long_turn(n, chars) for n in range(1, 21))
    account = NODE.explain(prompt(history=turns, tokens_max=most))
    assert account.tokens <= most
    newest = next(one for one in account.parts if one.name == "turn 20")
    assert newest.chars > 0


@given(st.text())
def test_tokens_are_estimated_from_the_bytes_never_as_none(text: str) -> None:
    assert tokens(text) == len(text.encode("utf-8", "replace")) // 3 + 1
