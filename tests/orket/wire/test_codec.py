"""An error of shape names the place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.wire.codec import convert, decode, encode, fault_of
from orket.wire.errors import WireInvalid
from orket.wire.events import EventView
from orket.wire.runs import BudgetBody, StartRunBody


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/target"),
        ({"target": ""}, "/target"),
        ({"target": 3}, "/target"),
        ({"target": "a", "budget": {"turns_max": 0}}, "/budget/turns_max"),
        ({"target": "a", "budget": {"turns": 1}}, "/budget/turns"),
        ({"target": "a", "a/b~c": 1}, "/a~1b~0c"),
        ([], ""),
    ],
)
def test_a_wrong_shape_names_the_json_pointer(document: object, pointer: str) -> None:
    with pytest.raises(WireInvalid) as caught:
        decode(StartRunBody, json.dumps(document).encode())
    assert [one.pointer for one in caught.value.faults] == [pointer]
    assert not caught.value.malformed
    assert "at `$" not in caught.value.faults[0].detail


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"\xff", b'{"target": "\xff"}', b'{"target": "\\ud800"}', b'{"target": "a"}}'],
)
def test_what_is_not_json_is_called_malformed(document: bytes) -> None:
    with pytest.raises(WireInvalid) as caught:
        decode(StartRunBody, document)
    assert caught.value.malformed


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(WireInvalid, match="nested"):
        decode(EventView, b'{"data":{"a":' + b"[" * 200_000)


def test_a_place_inside_a_list_is_a_number() -> None:
    assert fault_of("Expected `int`, got `str` - at `$.a[2].b`", "body").pointer == "/a/2/b"


def test_a_whole_number_with_a_fraction_of_zero_is_one() -> None:
    assert decode(BudgetBody, b'{"turns_max": 3.0}').turns_max == 3
    with pytest.raises(WireInvalid) as caught:
        decode(BudgetBody, b'{"turns_max": 3.5}')
    assert caught.value.faults[0].pointer == "/turns_max"


def test_texts_are_read_as_numbers() -> None:
    assert convert(BudgetBody, {"turns_max": "3"}, "query").turns_max == 3
    with pytest.raises(WireInvalid) as caught:
        convert(BudgetBody, {"turns_max": "three"}, "query")
    assert caught.value.faults[0].place == "query"


@given(
    st.builds(
        StartRunBody,
        target=st.text(min_size=1, max_size=50),
        only=st.none() | st.text(max_size=20),
        parallel=st.none() | st.integers(1, 64),
        budget=st.builds(BudgetBody, turns_max=st.none() | st.integers(1, 10**6)),
    )
)
def test_what_was_written_is_read_back(body: StartRunBody) -> None:
    assert decode(StartRunBody, encode(body)) == body
