"""Events and cards as bytes: JSON with sorted keys, tagged by the name of the event's class.

Equal values give equal bytes, so that the chain over the ledger and content addresses mean something.
Fields that are missing (written by an older version) take their defaults; unknown ones are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, get_args

import msgspec

from orket.domain.cards import Card
from orket.domain.errors import StoreCorrupt, StoreError
from orket.domain.events import Event
from orket.domain.redaction import Redactor

KINDS = MappingProxyType({one.__name__: one for one in get_args(Event)})


def encode_event(event: Event) -> tuple[str, bytes]:
    """Return the kind of an event and its canonical JSON.

    Raises:
        StoreError: As for ``through_json``.
    """
    return through_json(event)[1:]


def through_json(event: Event) -> tuple[Event, str, bytes]:
    """Return an event as it will be read back, its kind, and its canonical JSON.

    Raises:
        StoreError: The event cannot be read back from JSON: a lone surrogate, a number that is not finite.
    """
    kind = type(event).__name__
    try:
        body = _encoder().encode(event)
        again: Event = _decoder(KINDS[kind]).decode(body)
    except (msgspec.MsgspecError, UnicodeEncodeError, TypeError, KeyError) as error:
        raise StoreError(f"{kind} cannot be recorded: {error}") from error
    return again, kind, body


def encode_clean(event: Event, redactor: Redactor) -> tuple[Event, str, bytes]:
    """Return the event without secrets and as it will be read back, its kind and its canonical JSON.

    Raises:
        StoreError: As for ``through_json``.
    """
    told = through_json(event)
    if redactor.suspects(told[2]) and (clean := redactor.value(event)) is not event:
        return through_json(clean)
    return told


def encode_all(
    events: Sequence[Event], blobs: Sequence[bytes], redactor: Redactor
) -> tuple[tuple[tuple[Event, str, bytes], ...], tuple[bytes, ...]]:
    """Encode what is recorded together, without secrets: looked for once in all of it, taken out one by one.

    Raises:
        StoreError: As for ``through_json``.
    """
    encoded = tuple([through_json(one) for one in events])
    if not redactor.suspects(b"\n".join([*(body for _, _, body in encoded), *blobs])):
        return encoded, tuple(blobs)
    return tuple([encode_clean(one, redactor) for one in events]), tuple(map(redactor.blob, blobs))


def decode_event(kind: str, body: bytes, *, seq: int) -> Event:
    """Read an event back; ``seq`` only names the place.

    Raises:
        StoreCorrupt: The kind is unknown, or the body is not what this version of Orket wrote.
    """
    cls = KINDS.get(kind)
    if cls is None:
        raise StoreCorrupt(f"event {seq}: unknown kind {kind!r}; was it written by a newer Orket?")
    try:
        event: Event = _decoder(cls).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreCorrupt(f"event {seq} ({kind}) cannot be read: {error}") from error
    return event


def encode_card(card: Card) -> bytes:
    """Return a card as canonical JSON."""
    return _encoder().encode(card)


def decode_card(body: bytes) -> Card:
    """Read a card back.

    Raises:
        StoreCorrupt: The body is not what this version of Orket wrote.
    """
    try:
        card: Card = _decoder(Card).decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreCorrupt(f"a card cannot be read: {error}") from error
    return card


@cache
def _encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder(order="sorted")


@cache
def _decoder(cls: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cls)
