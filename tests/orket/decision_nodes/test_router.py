"""A card's seat works, a guard reviews, and nobody stands in."""

import attrs

from orket.decision_nodes.router import DefaultRouter
from orket.domain.assets import Seat, Team
from tests.orket.decision_nodes.cases import BUILDER_SEAT, GUARD_SEAT, TEAM
from tests.orket.domain.cases import card

CARD = attrs.evolve(card("A"), seat="builder")


def test_the_cards_own_seat_works_on_it() -> None:
    assert DefaultRouter().route(CARD, TEAM, review=False) is BUILDER_SEAT


def test_the_first_seat_with_the_guards_role_reviews() -> None:
    assert DefaultRouter().route(CARD, TEAM, review=True) is GUARD_SEAT
    both = Seat(key="lead", name="Lead", roles=("architect", "integrity_guard"))
    assert DefaultRouter().route(CARD, Team(name="t", seats=(both, *TEAM.seats)), review=True) is both


def test_there_is_no_fallback() -> None:
    assert DefaultRouter().route(attrs.evolve(CARD, seat="nobody"), TEAM, review=False) is None
    assert DefaultRouter().route(CARD, Team(name="t", seats=(BUILDER_SEAT,)), review=True) is None
