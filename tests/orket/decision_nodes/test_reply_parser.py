"""What is made of what models write: a corpus of their habits, and laws that hold for any text."""

from __future__ import annotations

import json
import time
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import Reading
from orket.decision_nodes.reply_json import ended, mended, strings
from orket.decision_nodes.reply_parser import read_reply
from orket.domain.models import FinishReason, ModelReply, ProposedCall
from tests.orket.decision_nodes.replies import ALL, BROKEN, CUT, OFFERED, Calls


def read(text: str, finish: FinishReason = FinishReason.STOP, *calls: ProposedCall) -> Reading:
    return read_reply(ModelReply(text=text, calls=calls, finish=finish), OFFERED)


def told(reading: Reading) -> Calls | str:
    if reading.code:
        assert reading.problem
        assert not reading.calls
        return reading.code
    return [(one.name, _loaded(one.arguments_json)) for one in reading.calls]


def _loaded(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def test_the_corpus_is_large_enough() -> None:
    assert len(ALL) + len(CUT) >= 120
    for group in (ALL, CUT):
        assert len({text for _, text, _ in group}) == len(group)


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in ALL], ids=[case[0] for case in ALL])
def test_what_models_write(text: str, expected: Calls | str) -> None:
    assert told(read(text)) == expected


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CUT], ids=[case[0] for case in CUT])
def test_what_was_cut_off(text: str, expected: Calls | str) -> None:
    assert told(read(text, FinishReason.LENGTH)) == expected


@pytest.mark.parametrize(
    "line", ["[\n", "{\n", '{"a": [\n', "```\n", "<tool_call>\n", '"\\', "<think>", "{{", "[{"]
)
def test_long_nonsense_is_read_in_no_time(line: str) -> None:
    began_s = time.process_time()
    for text in (line * (300_000 // len(line)), "So:\n" + line * (300_000 // len(line))):
        assert not read(text).calls
    assert time.process_time() - began_s < 20


NATIVE = ProposedCall(name="list_directory", arguments_json="{}", ref="c1")


@pytest.mark.parametrize("text", [case[1] for case in ALL])
def test_nothing_that_is_quoted_is_done_beside_a_native_call(text: str) -> None:
    assert read(text, FinishReason.TOOL_CALLS, NATIVE).calls == (NATIVE,)


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        ('{"path": "a"}', '{"path": "a"}'),
        ('"{\\"path\\": \\"a\\"}"', '{"path": "a"}'),
        ("", "{}"),
        ("null", "{}"),
        ('{"path": "a",}', '{"path": "a"}'),
        ("no idea", "no idea"),
        ("[1]", "[1]"),
    ],
)
def test_arguments_of_native_calls_are_unwrapped(arguments: str, plain: str) -> None:
    call = attrs.evolve(NATIVE, name="Functions.List_Directory", arguments_json=arguments)
    found = read("", FinishReason.TOOL_CALLS, call).calls
    assert found == (attrs.evolve(NATIVE, arguments_json=plain),)


def test_a_native_call_that_was_cut_off_is_not_done() -> None:
    half = attrs.evolve(NATIVE, arguments_json='{"path": "a')
    assert read("", FinishReason.LENGTH, NATIVE, half).code == "truncated"
    assert read("", FinishReason.LENGTH, NATIVE).calls == (NATIVE,)


def test_a_complaint_says_where() -> None:
    problem = read('{"tool": "read_file", "arguments": {"path" "a.txt"}}').problem
    assert "line 1 column 44" in problem


# --- laws ----------------------------------------------------------------------------------------

SCRAPS = st.sampled_from(
    [text for _, text, _ in (*ALL, *CUT) if len(text) < 300]
    + ["```json\n", "```", "<tool_call>", "</tool_call>", "{", "}", '"', "\\", "[", "]", ",", "\n", "<think>"]
)
NOISE = st.lists(SCRAPS | st.text(max_size=8), max_size=6).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=4)


@given(NOISE, st.sampled_from(FinishReason))
def test_any_text_is_read_and_nothing_comes_of_both(text: str, finish: FinishReason) -> None:
    reading = read(text, finish)
    assert not (reading.calls and reading.problem)
    assert bool(reading.code) is bool(reading.problem)
    assert all(one.name for one in reading.calls)
    assert read(text, finish) == reading


@given(st.sampled_from(OFFERED), ARGUMENTS)
def test_a_whole_call_is_read_as_it_was_meant_wherever_it_stands(
    tool: str, arguments: dict[str, Any]
) -> None:
    whole = json.dumps({"tool": tool, "arguments": arguments})
    for text in (whole, f"```json\n{whole}\n```", f"So:\n{whole}\nDone.", f"<tool_call>{whole}</tool_call>"):
        assert [(one.name, json.loads(one.arguments_json)) for one in read(text).calls] == [(tool, arguments)]


@given(ARGUMENTS.filter(bool), st.data())
def test_a_call_that_was_cut_off_is_never_done(arguments: dict[str, Any], data: st.DataObject) -> None:
    whole = json.dumps({"tool": "write_file", "arguments": arguments})
    at = data.draw(st.integers(1, len(whole) - 4))
    reading = read(whole[:at], FinishReason.LENGTH)
    assert not reading.calls


@given(VALUES)
def test_what_is_JSON_is_not_mended(value: object) -> None:  # noqa: N802 - its name
    assert mended(json.dumps(value)) == value


@given(st.lists(st.text(max_size=12), max_size=6))
def test_strings_are_found_whatever_is_in_them(texts: list[str]) -> None:
    written = [json.dumps(one) for one in texts]
    line = "{[,".join(written)
    assert [line[begin:end] for begin, end in strings(line)] == written
    assert all(map(ended, written))


def test_broken_ones_are_really_broken() -> None:
    for name, text, _ in BROKEN:
        if name.startswith("arguments") or name == "NaN":
            continue  # broken further inside; not for Python
        with pytest.raises(ValueError):  # noqa: PT011 - any
            json.loads(text)
