"""What models are writing, on a terminal: readable, harmless, and gone once the ledger has the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.identifiers import BlobId, CardId
from orket.domain.models import ModelReply, ProposedCall
from orket.interfaces.cli import view
from orket.interfaces.cli.app import main
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.shows import JsonLines, PlainLines
from orket.interfaces.cli.watch import Watch
from orket.interfaces.cli.writing import Writings, readable, written
from orket.wire.pieces import PieceView
from tests.orket.cli import recorded as r
from tests.orket.cli.drawn import drawn, watched

CARD = CardId("LED-1")
FAILED = e.ModelFailed(card_id=CARD, turn=1, code="server", error="no")


def piece(text: str, **more: Any) -> PieceView:
    """A piece of the first turn of a card."""
    given: dict[str, Any] = {"card_id": CARD, "turn": 1, "attempt": 1, "offset": 0, "call": None, "tool": ""}
    return PieceView(run_id=r.RUN, seat="builder", model="m", text=text, **{**given, **more})


def asking() -> Watch:
    """A run whose first card waits for its model."""
    asked = e.TurnStarted(
        card_id=CARD, turn=1, seat="builder", role="coder", review=False, model="m", prompt=BlobId("0")
    )
    return watched([*r.accepted(), asked])


def test_calls_read_as_what_they_say() -> None:
    writings = Writings()
    writings.add(piece("I write it.\n"))
    one = writings.add(piece('{"path":"a.py","content":"def f():\\n    r', call=0, tool="write_file"))
    assert list(one.lines()) == [
        "I write it.",
        "→ write_file",
        '{"path":"a.py","content":"def f():',
        "    r",
    ]
    assert one.end(1) == ["    r"]


def test_pieces_join_and_another_attempt_starts_anew() -> None:
    writings = Writings()
    writings.add(piece("one two "))
    assert list(writings.add(piece("three", offset=8)).lines()) == ["one two three"]
    assert list(writings.add(piece("once more", offset=4)).lines()) == ["one once more"]
    assert list(writings.add(piece("", attempt=2)).lines()) == []
    assert list(writings.add(piece("other", attempt=2)).lines()) == ["other"]


def test_what_the_ledger_knows_is_forgotten() -> None:
    writings, watch = Writings(), asking()
    writings.add(piece("Well"))
    assert len(writings.current(watch.state)) == 1
    watch.apply(next(iter(r.recorded([FAILED], after=50))))
    assert writings.current(watch.state) == ()
    writings.add(piece("Again", turn=2))  # its turn is not on the ledger yet, as far as is known here
    assert len(writings.current(watch.state)) == 1


@given(st.text(), st.booleans())
def test_nothing_steers_the_terminal(text: str, is_json: bool) -> None:
    assert all(line.isprintable() for line in readable(text, is_json=is_json))


@given(st.lists(st.tuples(st.integers(0, 5), st.text(max_size=40)), max_size=20), st.integers(1, 30))
def test_it_takes_no_more_lines_than_it_may(told: list[tuple[int, str]], lines_max: int) -> None:
    writings = Writings()
    for number, text in told:
        writings.add(piece(text, card_id=f"C-{number}"))
    lines = written(tuple(writings.answers.values()), lines_max=lines_max)
    assert len(lines) <= lines_max
    watch = asking()
    shown = drawn(view.live(watch.state, 0.0, height=30, writing=lines[:10]))
    assert len(shown.splitlines()) <= 30


def test_plain_lines_tell_lines_when_they_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    watch = asking()
    with PlainLines(Out()) as show:
        for text, offset in (("First", 0), (" I write\nthen", 5), (" I look", 18)):
            show.piece(piece(text, offset=offset), watch)
        assert capsys.readouterr().out.split() == ["LED-1", "┊", "First", "I", "write"]
        (over,) = r.recorded([FAILED], after=50)
        watch.apply(over)
        show.event(over, watch)
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["LED-1", "┊", "then", "I", "look"]
    assert "model failed" in told[1]


@pytest.mark.parametrize(("seen", "first"), [("First I write\nthen I ", []), ("Other\nwords ", ["Other"])])
def test_the_rest_comes_from_the_answer_as_it_was_recorded(
    seen: str, first: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    watch, call = asking(), ProposedCall(name="read_file", arguments_json='{"path":"a"}')
    reply = ModelReply(text="First I write\nthen I look.", calls=(call,))
    with PlainLines(Out()) as show:
        show.piece(piece(seen), watch)
        (over,) = r.recorded([e.ModelReplied(card_id=CARD, turn=1, reply=reply, calls=())], after=50)
        watch.apply(over)
        show.event(over, watch)
    told = [one.partition("┊ ")[2] for one in capsys.readouterr().out.splitlines() if "┊" in one]
    assert told == [*first, "First I write", "then I look.", "→ read_file", '{"path":"a"}']


def test_as_json_a_piece_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLines(Out()).piece(piece("Well"), asking())
    assert json.loads(capsys.readouterr().out)["kind"] == "piece"


def test_watching_needs_somebody_who_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--data-dir", str(tmp_path)]) == 2
    assert "no engine is running" in capsys.readouterr().err
