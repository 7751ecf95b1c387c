"""Nothing is lost between the domain and the wire."""

from __future__ import annotations

from datetime import UTC
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.budgets import Budget
from orket.domain.cards import Card
from orket.domain.errors import StoreCorrupt
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.wire import views
from orket.wire.codec import decode, encode
from orket.wire.events import EventView
from orket.wire.runs import BudgetBody


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a domain type; the ledger holds no number that is not finite."""
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of(*map(values, get_args(kind)))
    if get_origin(kind) is tuple:
        *parts, last = get_args(kind)
        if last is Ellipsis:
            return st.lists(values(parts[0]), max_size=3).map(tuple)
        return st.tuples(*map(values, (*parts, last)))
    if attrs.has(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{one.alias: values(hints[one.name]) for one in attrs.fields(kind)})
    return st.from_type(kind)


RECORDED = st.builds(
    Recorded,
    seq=st.integers(1, 2**40),
    at=st.datetimes(timezones=st.just(UTC)),
    run_id=st.just(RunId("5f1c09ab")),
    event=values(Event),
)


@given(RECORDED)
def test_an_event_survives_the_wire(one: Recorded) -> None:
    sent = encode(views.event_view(one))
    assert views.recorded(decode(EventView, sent)) == one


@given(values(Card))
def test_a_card_shows_equal_things_under_equal_names(card: Card) -> None:
    shown = views.card_view(RunId("5f1c09ab"), card)
    assert all(getattr(card, name) == getattr(shown, name) for name in views._CARD_FIELDS)


def test_the_budget_on_the_wire_has_the_bounds_of_the_domain() -> None:
    body = BudgetBody(
        turns_max=1, tokens_max=2, tool_calls_max=3, wall_s_max=4.0, output_bytes_max=5, cost_max=6.0
    )
    assert attrs.astuple(views.budget(body)) == (1, 2, 3, 4.0, 5, 6.0)
    assert views.budget_body(views.budget(body)) == body
    assert {one.name for one in attrs.fields(Budget)} == set(BudgetBody.__struct_fields__)


@pytest.mark.parametrize(("kind", "data"), [("Unheard", {}), ("RunPaused", {"by": 3}), ("RunPaused", {})])
def test_an_event_of_another_version_is_refused_by_name(kind: str, data: dict[str, object]) -> None:
    view = EventView(seq=7, at=EXAMPLE.at, run_id="r", kind=kind, data=data)
    with pytest.raises(StoreCorrupt, match="event 7"):
        views.recorded(view)


EXAMPLE = decode(
    EventView, b'{"seq":1,"at":"2026-01-01T00:00:00Z","run_id":"r","kind":"RunPaused","data":{}}'
)
