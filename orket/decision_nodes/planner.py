"""``planner_node``: finish what is begun before beginning something new, the critical path first."""

from __future__ import annotations

from orket.decision_nodes.decisions import PlanInput
from orket.domain.cards import Card, CardStatus
from orket.domain.graph import critical_order, independent_ready
from orket.domain.identifiers import CardId

REVIEWS = frozenset({CardStatus.CODE_REVIEW, CardStatus.READY_FOR_TESTING})


class DefaultPlanner:
    """Reviews, then cards in progress that nobody works on, then ready cards; each in critical order.

    A card is in progress without being busy after a restart or after a review sent it back. A ready card
    counts once all its dependencies are done. A target restricts the choice to that one card. Within a
    group the order is priority plus number of transitive dependants, highest first, then file order.
    """

    def plan(self, given: PlanInput) -> tuple[CardId, ...]:
        """Choose among the cards that nobody works on."""
        cards = tuple(given.cards.values())
        groups: tuple[tuple[Card, ...], ...] = (
            tuple(card for card in cards if card.status in REVIEWS),
            tuple(card for card in cards if card.status is CardStatus.IN_PROGRESS),
            independent_ready(given.cards),
        )
        return tuple(
            card.id
            for group in groups
            for card in critical_order(cards, group)
            if card.id not in given.busy and given.only in (None, card.id)
        )
