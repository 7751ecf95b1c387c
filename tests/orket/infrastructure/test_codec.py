"""Events and cards survive the way through JSON, and equal ones make equal bytes."""

from __future__ import annotations

import json
import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.cards import Card
from orket.domain.errors import StoreCorrupt, StoreError
from orket.domain.identifiers import CardId
from orket.infrastructure.codec import KINDS, decode_card, decode_event, encode_card, encode_event
from tests.contracts.strategies import EVENT_CLASSES, any_value, comment

ANY_EVENT: st.SearchStrategy[e.Event] = st.sampled_from(EVENT_CLASSES).flatmap(any_value)


@given(event=ANY_EVENT)
def test_every_event_comes_back_as_it_was(event: e.Event) -> None:
    kind, body = encode_event(event)
    assert kind == type(event).__name__
    again = decode_event(kind, body, seq=1)
    assert (again, type(again)) == (event, type(event))
    assert encode_event(again) == (kind, body)


@given(card=any_value(Card))
def test_every_card_comes_back_as_it_was(card: Card) -> None:
    assert decode_card(encode_card(card)) == card


@given(event=ANY_EVENT)
def test_the_bytes_are_canonical_json(event: e.Event) -> None:
    _, body = encode_event(event)
    canonical = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if b"." not in body:  # numbers with a fraction may be spelt in more than one way
        assert json.loads(body) == json.loads(canonical)
        assert len(body) == len(canonical.encode()) or b"\\u" in body


def test_every_event_has_a_kind() -> None:
    assert set(KINDS.values()) == set(EVENT_CLASSES)


def test_a_kind_that_was_ever_written_stays_readable() -> None:
    """An event class may be added; renaming or removing one would make ledgers unreadable."""
    written = """
        RunAccepted RunPaused RunResumed RunParked RunFinished CardAdded CardStatusChanged CardCommented
        CardRetried CardFaulted TurnStarted ModelReplied ModelFailed TurnFinished ToolCallIntended
        ToolCallFinished ToolCallInDoubt ToolCallDecided VerificationFinished SandboxChanged
    """
    assert set(written.split()) <= set(KINDS)
    assert encode_event(e.RunPaused(by="me")) == ("RunPaused", b'{"by":"me","reason":""}')


def test_what_an_older_version_wrote_takes_the_defaults() -> None:
    event = decode_event("RunPaused", b'{"by":"me"}', seq=1)
    assert event == e.RunPaused(by="me", reason="")


def test_what_a_newer_version_added_is_passed_over() -> None:
    event = decode_event("RunPaused", b'{"by":"me","mood":"calm"}', seq=1)
    assert event == e.RunPaused(by="me")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("RunImagined", b"{}"),
        ("RunPaused", b'{"by":7}'),
        ("RunPaused", b'{"by":"m'),
        ("RunPaused", b"\xff"),
        ("RunPaused", b'{"by":"\xff"}'),
    ],
)
def test_what_cannot_be_read_names_its_place(kind: str, body: bytes) -> None:
    with pytest.raises(StoreCorrupt, match="event 41"):
        decode_event(kind, body, seq=41)


def test_a_card_that_cannot_be_read_is_said() -> None:
    with pytest.raises(StoreCorrupt, match="a card"):
        decode_card(b"{}")


@pytest.mark.parametrize("priority", [math.nan, math.inf, -math.inf])
def test_a_number_without_json_is_refused(priority: float) -> None:
    card = attrs.evolve(Card(id=CardId("A"), name="a"), priority=priority)
    with pytest.raises(StoreError, match="CardAdded cannot be recorded"):
        encode_event(e.CardAdded(card=card))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(StoreError, match="CardCommented cannot be recorded"):
        encode_event(comment(text="\udc80"))
