"""What Hypothesis draws for the engine; the only module here that imports it."""

from __future__ import annotations

from hypothesis import strategies as st

from orket.domain.cards import CardStatus, CardType, WaitReason
from orket.testing.cards import Move


def moves(kind: CardType = CardType.ISSUE, cards: tuple[str, ...] = ("A", "B")) -> st.SearchStrategy[Move]:
    """Draw moves of a few cards of one type, most of them refused by the state machine."""
    return st.builds(
        Move,
        card=st.sampled_from(cards),
        kind=st.just(kind),
        status=st.sampled_from(CardStatus),
        roles=st.sampled_from([(), ("coder",), ("integrity_guard",)]),
        wait_reason=st.sampled_from([None, *WaitReason]),
    )
