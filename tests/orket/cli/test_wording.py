"""Wording, and the laws of foreign text."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.tools import Verdict, failed
from orket.interfaces.cli import wording
from tests.orket.cli import recorded as r
from tests.orket.cli.drawn import watched


@given(st.text(), st.integers(2, 50))
def test_printable_text_is_one_harmless_line(text: str, most: int):
    line = wording.printable(text, chars_max=most)
    assert line.isprintable()
    assert len(line) <= most


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126)))
def test_plain_words_are_kept_whole(text: str):
    assert wording.printable(text) == text


@given(st.lists(st.text(min_size=1), min_size=1), st.text())
def test_a_command_can_be_pasted(words: list[str], data_dir: str):
    where = ["--data-dir", data_dir] if data_dir else []
    assert shlex.split(wording.command_line(words, data_dir=data_dir)) == ["orket", *words, *where]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (-1, "0.0 s"), (3.24, "3.2 s"), (65, "1 min 05 s"), (7380, "2 h 03 min")],
)
def test_durations(seconds: float, said: str):
    assert wording.duration(seconds) == said


def test_sizes_and_counts():
    assert (wording.size(7), wording.size(2300)) == ("7 B", "2.2 KiB")
    assert (wording.counted(1, "issue"), wording.counted(0, "issue")) == ("1 issue", "0 issues")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "a.py", "content": "x"}, "write a.py"),
        ({"argv": ["python", "-c", "print(1)"]}, "write python -c 'print(1)'"),
        ({}, "write"),
        ({"other": 1}, "write"),
    ],
)
def test_a_call_is_named_by_what_it_is_about(arguments: dict[str, object], said: str):
    assert wording.call_name(r.tool("LED-1", 1, 0, "write", **arguments)) == said


def test_how_far_a_call_has_come():
    call = r.tool("LED-1", 1, 0, "run_command", argv=["make"])
    start = [*r.accepted(), r.started("LED-1", 1), r.replied(call)]

    def standing(*events: object) -> str:
        return wording.call_standing(watched([*start, *events]).state.find_call(call.id))

    assert standing() == "proposed"
    assert standing(r.intended(call)) == "running"
    assert standing(r.intended(call, Verdict.ASK)) == "asks a person"
    assert standing(r.intended(call, Verdict.DENY)) == "denied"
    assert standing(r.intended(call), r.finished(call)) == "ok"
    assert standing(r.intended(call), r.finished(call, failed("no", code="exit_nonzero"))) == "exit_nonzero"
