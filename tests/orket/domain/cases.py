"""Cards for tests: short builders and Hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from orket.domain.cards import WAITING, Card, CardStatus, WaitReason
from orket.domain.identifiers import CardId


def card(
    id: str,  # noqa: A002 - the field's own name reads best in tests
    *depends_on: str,
    priority: float = 2.0,
    status: CardStatus = CardStatus.READY,
) -> Card:
    """Make an issue named after its id."""
    waits = status in WAITING
    return Card(
        id=CardId(id),
        name=id,
        priority=priority,
        status=status,
        depends_on=tuple(map(CardId, depends_on)),
        wait_reason=WaitReason.INPUT if waits else None,
    )


def by_id(*cards: Card) -> dict[CardId, Card]:
    """Key cards by id, in order."""
    return {one.id: one for one in cards}


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool = False, cards_max: int = 7) -> tuple[Card, ...]:
    """Draw cards with arbitrary dependencies among themselves and, now and then, on a stranger."""
    count = draw(st.integers(0, cards_max))
    names = [f"C{n}" for n in range(count)]
    made = []
    for n, name in enumerate(names):
        pool = (names[:n] if acyclic else names) + ["stranger"]
        needs = draw(st.lists(st.sampled_from(pool), max_size=3, unique=True))
        status = draw(st.sampled_from(CardStatus))
        made.append(card(name, *needs, priority=draw(st.sampled_from([1.0, 2.0, 3.0])), status=status))
    return tuple(draw(st.permutations(made)))
