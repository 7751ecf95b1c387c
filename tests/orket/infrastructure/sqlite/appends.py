"""Appends made by hand, for tests of what lies below the ledger."""

from __future__ import annotations

from orket.domain.events import Event
from orket.domain.identifiers import RunId
from orket.infrastructure.codec import encode_event
from orket.infrastructure.sqlite.group import Append
from tests.contracts.ledger import START


def an_append(run_id: RunId, *events: Event) -> Append:
    """Make an append of these events at a fixed time."""
    encoded = tuple((one, *encode_event(one)) for one in events)
    return Append(run_id=run_id, at=START, events=encoded, blobs=(), key=None)
