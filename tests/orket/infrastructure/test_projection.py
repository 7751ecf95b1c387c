"""The projection knows every event that changes a run's line or its cards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.cards import Card
from orket.domain.errors import StoreError
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunState, RunStatus
from orket.infrastructure.projection import PlacedCard, cards_touched, changes_lists, project
from tests.contracts.strategies import EVENT_CLASSES, accepted, any_value

RUN, CARD = RunId("aaaa0001"), CardId("A")
NOW = datetime(2031, 2, 3, tzinfo=UTC)


def recorded(seq: int, event: e.Event) -> e.Recorded:
    return e.Recorded(seq=seq, at=NOW, run_id=RUN, event=event)


def possible(event: Any, data: st.DataObject) -> e.Event:
    """The same event, about the card that there is."""
    if isinstance(event, e.RunFinished):
        event = attrs.evolve(event, status=data.draw(st.sampled_from(RunStatus)).value)
    names = {field.name for field in attrs.fields(type(event))}
    if "card_id" in names:
        event = attrs.evolve(event, card_id=CARD)
    if "call" in names:
        event = attrs.evolve(event, call=attrs.evolve(event.call, card_id=CARD))
    return event  # type: ignore[no-any-return]  # narrowed by no common base


@pytest.mark.parametrize(
    "kind", [one for one in EVENT_CLASSES if one is not e.RunAccepted], ids=lambda one: one.__name__
)
@given(data=st.data())
def test_one_event_changes_the_lists_as_it_changes_the_run(kind: type, data: st.DataObject) -> None:
    """A new kind of event that changes runs or cards fails here until the projection knows it."""
    event = possible(data.draw(any_value(kind)), data)
    started = e.TurnStarted(
        card_id=CARD, turn=1, seat="s", role="r", review=False, model="m", prompt=data.draw(any_value(str))
    )
    before: list[e.Event] = [accepted(), e.CardAdded(card=Card(id=CARD, name="a")), started]
    history = [recorded(seq, one) for seq, one in enumerate(before, start=1)]
    state = RunState.fold(RUN, history)
    summary, cards = project(RUN, None, {}, history)
    state.apply_recorded(recorded(4, event))
    if changes_lists([recorded(4, event)]):
        known = {key: one for key, one in cards.items() if key in cards_touched([event])}
        summary, placed = project(RUN, summary, known, [recorded(4, event)])
        cards |= placed
    assert (summary.status, summary.reason) == (state.status, state.reason)
    assert {key: one.card for key, one in cards.items()} == state.cards


def test_a_card_keeps_its_place_when_it_is_added_again() -> None:
    known = {CARD: PlacedCard(Card(id=CARD, name="old"), 2)}
    summary, _ = project(RUN, None, {}, [recorded(1, accepted())])
    _, placed = project(RUN, summary, known, [recorded(9, e.CardAdded(card=Card(id=CARD, name="new")))])
    assert placed == {CARD: PlacedCard(Card(id=CARD, name="new"), 2)}


def test_a_run_begins_with_its_acceptance() -> None:
    with pytest.raises(StoreError, match="first event must be RunAccepted"):
        project(RUN, None, {}, [recorded(1, e.RunPaused(by="me"))])
