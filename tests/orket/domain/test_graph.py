"""The dependency graph against brute force."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.cards import FINAL, WAITING, Card, CardStatus
from orket.domain.errors import DependencyCycle
from orket.domain.graph import (
    check_acyclic,
    critical_order,
    dependants,
    find_cycle,
    hopeless,
    independent_ready,
    weight,
)
from orket.domain.identifiers import CardId
from tests.orket.domain.cases import by_id, card, graphs


def names(cards: Iterable[Card]) -> list[str]:
    return [one.id for one in cards]


def reachable(cards: tuple[Card, ...]) -> Mapping[CardId, set[CardId]]:
    """Which cards wait for each card, directly or through others, by repetition until nothing is new."""
    known = {one.id for one in cards} | {needed for one in cards for needed in one.depends_on}
    found: dict[CardId, set[CardId]] = {key: set() for key in known}
    for _ in range(len(known) + 1):
        for one in cards:
            for needed in one.depends_on:
                found[needed] |= {one.id} | found[one.id]
    return found


def test_priorities_alone_order_unconnected_cards() -> None:
    cards = [card("A", priority=1), card("B", priority=3), card("C", priority=2)]
    assert names(critical_order(cards, cards)) == ["B", "C", "A"]


def test_a_small_card_that_blocks_three_beats_an_isolated_big_one() -> None:
    cards = [card("big", priority=3), card("key", priority=1), *(card(f"w{n}", "key") for n in range(3))]
    assert names(critical_order(cards, cards[:2])) == ["key", "big"]
    assert weight(CardId("key"), dependants(cards)) == 3


def test_a_diamond_counts_its_end_once() -> None:
    cards = [card("top"), card("left", "top"), card("right", "top"), card("end", "left", "right")]
    waiting = dependants(cards)
    assert [weight(one.id, waiting) for one in cards] == [3, 1, 1, 0]


def test_a_circle_of_two_ends_and_counts_itself() -> None:
    cards = [card("A", "B"), card("B", "A")]
    assert [weight(one.id, dependants(cards)) for one in cards] == [2, 2]
    assert find_cycle(cards) == ("A", "B", "A")
    with pytest.raises(DependencyCycle, match="A → B → A") as caught:
        check_acyclic(cards)
    assert caught.value.cycle == ("A", "B", "A")


def test_a_card_that_waits_for_itself_is_a_circle() -> None:
    assert find_cycle([card("A", "A")]) == ("A", "A")


def test_a_long_chain_needs_no_deep_stack() -> None:
    chain = [card("0"), *(card(str(n), str(n - 1)) for n in range(1, 5000))]
    assert find_cycle(chain) is None
    assert find_cycle([card("0", "4999"), *chain[1:]]) is not None
    assert weight(CardId("0"), dependants(chain)) == 4999


@given(graphs())
def test_weight_is_the_number_of_transitive_dependants(cards: tuple[Card, ...]) -> None:
    waiting, expected = dependants(cards), reachable(cards)
    assert {one.id: weight(one.id, waiting) for one in cards} == {
        one.id: len(expected[one.id]) for one in cards
    }


@given(graphs())
def test_a_cycle_is_found_exactly_when_a_card_waits_for_itself(cards: tuple[Card, ...]) -> None:
    expected = reachable(cards)
    circle = find_cycle(cards)
    assert (circle is not None) == any(one.id in expected[one.id] for one in cards)
    if circle is not None:
        needs = {one.id: one.depends_on for one in cards}
        assert circle[0] == circle[-1]
        assert len(set(circle)) == len(circle) - 1
        assert all(second in needs[first] for first, second in pairwise(circle))


@given(graphs(acyclic=True))
def test_what_only_waits_for_earlier_cards_has_no_cycle(cards: tuple[Card, ...]) -> None:
    check_acyclic(cards)


@given(graphs(), st.data())
def test_the_critical_order_is_a_stable_permutation(cards: tuple[Card, ...], data: st.DataObject) -> None:
    candidates = data.draw(st.lists(st.sampled_from(cards), unique_by=lambda one: one.id)) if cards else []
    ordered = critical_order(cards, candidates)
    expected = reachable(cards)
    score = {one.id: one.priority + len(expected[one.id]) for one in candidates}
    place = {one.id: n for n, one in enumerate(candidates)}
    assert sorted(names(ordered)) == sorted(names(candidates))
    for first, second in pairwise(ordered):
        assert (-score[first.id], place[first.id]) < (-score[second.id], place[second.id])


@given(graphs())
def test_a_ready_card_may_start_or_is_lost_or_waits_but_never_two_of_them(cards: tuple[Card, ...]) -> None:
    known = by_id(*cards)
    free, lost = set(names(independent_ready(known))), {one.id for one, _ in hopeless(known)}
    assert not free & lost
    for one in cards:
        done = all(need in known and known[need].status is CardStatus.DONE for need in one.depends_on)
        assert (one.id in free) == (one.status is CardStatus.READY and done)
        assert one.id not in lost or one.status is CardStatus.READY


@pytest.mark.parametrize("status", sorted({*FINAL - {CardStatus.DONE}, *WAITING}))
def test_a_dependency_that_will_not_be_done_makes_a_card_hopeless(status: CardStatus) -> None:
    lost = hopeless(by_id(card("A", status=status), card("B", "A")))
    assert [(one.id, why) for one, why in lost] == [("B", f"dependency A is {status}")]


def test_an_unknown_dependency_makes_a_card_hopeless() -> None:
    assert [why for _, why in hopeless(by_id(card("B", "A")))] == ["depends on unknown card A"]


def test_a_dependency_that_waits_for_a_persons_decision_may_still_go_on() -> None:
    cards = by_id(card("A", status=CardStatus.BLOCKED), card("B", "A"))
    assert hopeless(cards, {CardId("A")}) == ()
