"""Priorities are read strictly, and never silently changed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.cards import DEFAULT_PRIORITY, FINAL, WAITING, CardStatus, parse_priority
from tests.orket.domain.cases import card


@pytest.mark.parametrize(
    ("text", "value"),
    [("High", 3.0), ("MEDIUM", 2.0), (" low ", 1.0), ("2.5", 2.5), (7, 7.0), (-1, -1.0), ("1e2", 100.0)],
)
def test_words_and_numbers_are_read(text: float | str, value: float) -> None:
    assert parse_priority(text) == value


@pytest.mark.parametrize("text", ["", "urgent", "2,5", "nan", "inf", "-inf", math.nan, math.inf, "high!"])
def test_anything_else_is_refused(text: float | str) -> None:
    with pytest.raises(ValueError, match=r"priority|neither"):
        parse_priority(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_and_its_text_are_the_same_priority(number: float) -> None:
    assert parse_priority(number) == parse_priority(str(number)) == number


@given(st.text())
def test_a_text_is_a_finite_priority_or_an_error(text: str) -> None:
    try:
        value = parse_priority(text)
    except ValueError:
        return
    assert math.isfinite(value)


def test_no_status_both_waits_and_is_final() -> None:
    assert not FINAL & WAITING
    assert {one for one in CardStatus if card("A", status=one).is_final} == FINAL
    assert card("A").priority == DEFAULT_PRIORITY == 2.0
