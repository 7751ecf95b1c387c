"""A piece of an answer that a model is writing, as it is shown to those who watch."""

from __future__ import annotations

import attrs

from orket.domain.identifiers import CardId, RunId

PIECE_CHARS_MAX = 16_384


@attrs.frozen(kw_only=True)
class Piece:
    """Text that a model has written of an answer, before the answer is complete; on no ledger.

    ``attempt`` (from 1) counts how often the model, or another one in its place, was asked in this turn: a
    piece of a later attempt replaces all of an earlier one. ``call`` is None for the text of the answer, and
    otherwise the number (from 0) of the tool call whose arguments these are, of the tool ``tool``. ``offset``
    is where the piece begins, in characters of that text: what has come before it stays, so
    ``text[:offset] + piece`` is the text so far. It holds no secret, and is superseded by what the ledger
    says of the turn.
    """

    run_id: RunId
    card_id: CardId
    turn: int
    attempt: int
    seat: str
    model: str
    call: int | None
    tool: str
    offset: int
    text: str
