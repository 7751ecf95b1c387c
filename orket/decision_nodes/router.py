"""``router_node``: a card's own seat works on it, another one reviews it."""

from __future__ import annotations

from orket.domain.assets import GUARD_ROLE, Seat, Team
from orket.domain.cards import Card


class DefaultRouter:
    """The card's seat; for a review the first seat of the team that holds ``integrity_guard``.

    There is no fallback: a card whose seat is not in the team gets nobody, and neither does a review in a
    team without a guard, because only a guard can end an issue.
    """

    def route(self, card: Card, team: Team, *, review: bool) -> Seat | None:
        """Name the seat, or None when the team has none."""
        if not review:
            return team.seat(card.seat)
        return next((seat for seat in team.seats if GUARD_ROLE in seat.roles), None)
