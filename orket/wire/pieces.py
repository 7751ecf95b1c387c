"""What a model is writing right now, on the wire; beside the events, never among them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

PIECE: Final = "piece"


class PieceView(msgspec.Struct, frozen=True, kw_only=True):
    """Text that a model has written of an answer that is not complete yet.

    ``text[:offset] + piece`` is the text so far. A later ``attempt`` replaces all of an earlier one of its
    turn; what the ledger says of the turn replaces them all.
    """

    kind: Literal["piece"] = PIECE
    run_id: Annotated[str, Meta(examples=["5f1c09ab"])]
    card_id: str
    turn: Annotated[int, Meta(ge=1)]
    attempt: Annotated[int, Meta(description="How often a model was asked in this turn, from 1.", ge=1)]
    seat: str
    model: str
    call: Annotated[
        int | None, Meta(description="Number of the tool call whose arguments these are; null for the text.")
    ]
    tool: Annotated[str, Meta(description="The tool of that call, empty for the text.")]
    offset: Annotated[int, Meta(description="Where the piece begins, in characters.", ge=0)]
    text: str
