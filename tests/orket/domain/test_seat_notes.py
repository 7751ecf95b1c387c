"""Notes reach the seats they are for, and there are never too many of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunState
from orket.domain.seat_notes import KEPT_MAX, SHOWN_MAX, Note, addressed, received_by

SEATS = ("builder", "guard", "scribe")
A = CardId("A")


def sent(number: int, by: str = "builder", to: str = "") -> e.NoteSent:
    return e.NoteSent(card_id=A, by=by, to=to, text=f"note {number}")


@given(st.lists(st.tuples(st.sampled_from(SEATS), st.sampled_from(("", *SEATS))), max_size=40), st.data())
def test_a_note_reaches_its_seat_or_all_others_in_order_and_once(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    state = RunState(run_id=RunId("r"))
    for number, (by, to) in enumerate(pairs, start=1):
        state.apply(sent(number, by, to))
    seat = data.draw(st.sampled_from(SEATS))
    after = data.draw(st.integers(0, len(pairs)))
    wanted = [
        number
        for number, (by, to) in enumerate(pairs, start=1)
        if number > after and by != seat and to in ("", seat)
    ]
    found = addressed(state.notes, seat, after=after)
    assert [one.number for one in found] == wanted[-SHOWN_MAX:]
    assert all(one.text == f"note {one.number}" for one in found)


def test_a_run_keeps_a_bounded_number_and_counts_on() -> None:
    state = RunState(run_id=RunId("r"))
    for number in range(1, KEPT_MAX + 51):
        state.apply(sent(number))
    assert len(state.notes) == KEPT_MAX
    assert (state.notes[0].number, state.notes_sent) == (51, KEPT_MAX + 50)


def test_a_card_shows_the_newest_of_what_it_received() -> None:
    state = RunState(run_id=RunId("r"))
    notes = [Note(number=n, card_id=A, by="guard", to="builder", text=str(n)) for n in range(1, 16)]
    state.apply(e.NotesReceived(card_id=A, turn=1, seat="builder", notes=tuple(notes[:4])))
    state.apply(e.NotesReceived(card_id=A, turn=2, seat="scribe", notes=tuple(notes[:1])))
    state.apply(e.NotesReceived(card_id=A, turn=3, seat="builder", notes=tuple(notes[4:])))
    assert [one.number for one in received_by(state.received[A], "builder")] == list(range(6, 16))
    assert [one.number for one in received_by(state.received[A], "scribe")] == [1]
    assert received_by(state.received[A], "guard") == ()
