"""A run's board on the wire: its issues by where they stand."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.cards import CardStatus
from orket.wire.cards import CardView


class ColumnView(msgspec.Struct, frozen=True, kw_only=True):
    """The issues that stand in one place, in the order they were added."""

    status: CardStatus
    count: Annotated[int, Meta(ge=0, description="How many stand there; `cards` may show fewer.")]
    cards: tuple[CardView, ...]


class BoardView(msgspec.Struct, frozen=True, kw_only=True):
    """One column per status, from `ready` on; empty ones are there as well."""

    run_id: Annotated[str, Meta(examples=["5f1c09ab"])]
    columns: tuple[ColumnView, ...]
