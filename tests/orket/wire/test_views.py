"""Nothing is lost between the domain and the wire."""

from __future__ import annotations

from datetime import UTC
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import assets, budgets, cards, events, models, tools, verification
from orket.domain.budgets import Budget
from orket.domain.cards import Card
from orket.domain.errors import StoreCorrupt
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.wire import views
from orket.wire.codec import decode, encode
from orket.wire.events import EventView
from orket.wire.runs import BudgetBody

# Annotations are strings until somebody needs them: Hypothesis does.
for module in (assets, budgets, cards, events, models, tools, verification):
    for kind in vars(module).values():
        if isinstance(kind, type) and attrs.has(kind):
            attrs.resolve_types(kind)

CARDS = st.builds(Card, priority=st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(Card, CARDS)
RECORDED = st.builds(
    Recorded,
    seq=st.integers(1, 2**40),
    at=st.datetimes(timezones=st.just(UTC)),
    run_id=st.just(RunId("5f1c09ab")),
    event=st.one_of(*[st.from_type(kind) for kind in get_args(Event)]),
)


@given(RECORDED)
def test_an_event_survives_the_wire(one: Recorded) -> None:
    sent = encode(views.event_view(one))
    assert views.recorded(decode(EventView, sent)) == one


@given(CARDS)
def test_a_card_shows_equal_things_under_equal_names(card: Card) -> None:
    shown = views.card_view(RunId("5f1c09ab"), card)
    assert all(getattr(card, name) == getattr(shown, name) for name in views._CARD_FIELDS)


def test_the_budget_on_the_wire_has_the_bounds_of_the_domain() -> None:
    body = BudgetBody(turns_max=1, tokens_max=2, tool_calls_max=3)
    assert attrs.astuple(views.budget(body)) == (1, 2, 3)
    assert {one.name for one in attrs.fields(Budget)} == set(BudgetBody.__struct_fields__)


@pytest.mark.parametrize(("kind", "data"), [("Unheard", {}), ("RunPaused", {"by": 3}), ("RunPaused", {})])
def test_an_event_of_another_version_is_refused_by_name(kind: str, data: dict[str, object]) -> None:
    view = EventView(seq=7, at=EXAMPLE.at, run_id="r", kind=kind, data=data)
    with pytest.raises(StoreCorrupt, match="event 7"):
        views.recorded(view)


EXAMPLE = decode(
    EventView, b'{"seq":1,"at":"2026-01-01T00:00:00Z","run_id":"r","kind":"RunPaused","data":{}}'
)
