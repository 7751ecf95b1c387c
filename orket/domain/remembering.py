"""What the events of an append put into the project's memory, and what they take out of it."""

from __future__ import annotations

from collections.abc import Iterable

from orket.domain.events import DecisionRemembered, Recorded
from orket.domain.identifiers import CardId
from orket.domain.memory import Memory
from orket.domain.memory_events import MemoryAdded, MemoryForgotten

NO_CARD = CardId("")


def remembered(recorded: Iterable[Recorded]) -> list[Memory]:
    """Pick what is to be remembered; what a person added belongs to no card."""
    return [
        Memory(
            seq=one.seq,
            at=one.at,
            run_id=one.run_id,
            card_id=one.event.card_id if isinstance(one.event, DecisionRemembered) else NO_CARD,
            by=one.event.by,
            text=one.event.text,
        )
        for one in recorded
        if isinstance(one.event, DecisionRemembered | MemoryAdded)
    ]


def forgotten(recorded: Iterable[Recorded]) -> list[int]:
    """Pick the numbers of what is to be remembered no more."""
    return [one.event.number for one in recorded if isinstance(one.event, MemoryForgotten)]
