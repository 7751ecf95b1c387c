"""Notes between seats: whom one reaches, and how many are kept and shown (2.7). Pure."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from orket.domain.identifiers import CardId

KEPT_MAX = 200
SHOWN_MAX = 10
NOTE_CHARS_MAX = 2_000


@attrs.frozen(kw_only=True)
class Note:
    """A note of a run: its number (from 1, in ledger order), the card it was written at, from whom to whom.

    ``to`` is a seat's key, or empty for all seats of the team.
    """

    number: int
    card_id: CardId
    by: str
    to: str
    text: str


Received = tuple[tuple[str, tuple[Note, ...]], ...]
"""What has reached a card: its seats with their newest notes."""


def delivered(before: Received, seat: str, notes: tuple[Note, ...]) -> Received:
    """Add notes to what a seat has received at a card."""
    others = tuple(one for one in before if one[0] != seat)
    return (*others, (seat, shown((*received_by(before, seat), *notes))))


def received_by(received: Received, seat: str) -> tuple[Note, ...]:
    """The notes that a seat is shown at a card, oldest first."""
    return next((notes for one, notes in received if one == seat), ())


def kept(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Keep the newest of a run; an older one that nobody was at work to receive is lost by then."""
    return notes[-KEPT_MAX:]


def shown(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Keep the newest that a prompt tells."""
    return notes[-SHOWN_MAX:]


def addressed(notes: Iterable[Note], seat: str, *, after: int = 0) -> tuple[Note, ...]:
    """Pick the notes above number ``after`` that are for a seat: its own and those for all, not by itself."""
    found = tuple(one for one in notes if one.number > after and one.to in ("", seat) and one.by != seat)
    return shown(found)
