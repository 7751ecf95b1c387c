"""Cards on the wire."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.cards import CardStatus, CardType, WaitReason


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """One card of one run as it stands; equal ids of different runs are different cards."""

    run_id: Annotated[str, Meta(examples=["5f1c09ab"])]
    id: Annotated[str, Meta(examples=["ISSUE-A"])]
    type: CardType
    name: str
    status: CardStatus
    description: str
    requirements: str
    note: str
    priority: Annotated[float, Meta(description="Higher is sooner; 3 high, 2 medium, 1 low.")]
    seat: str
    assignee: str
    sprint: Annotated[str, Meta(description="The sprint it is in, or empty.", examples=["2026 Q1 S6"])]
    depends_on: tuple[str, ...]
    wait_reason: Annotated[
        WaitReason | None, Meta(description="Set exactly while the card waits, see `wait_note`.")
    ]
    wait_note: str
    parent_id: str | None
    labels: tuple[str, ...]
    references: tuple[str, ...]
    retry_count: Annotated[int, Meta(ge=0)]
    max_retries: Annotated[int, Meta(ge=0)]


class CardPage(msgspec.Struct, frozen=True, kw_only=True):
    """Cards in the order they were added; ``next`` leads on, empty at the end."""

    cards: tuple[CardView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]
