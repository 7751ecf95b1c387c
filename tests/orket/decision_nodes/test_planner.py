"""The planner finishes what is begun first and follows the critical path."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.decisions import PlanInput
from orket.decision_nodes.planner import REVIEWS, DefaultPlanner
from orket.domain.cards import Card, CardStatus
from orket.domain.identifiers import CardId
from tests.orket.domain.cases import by_id, card, graphs


def plan(*cards: Card, busy: tuple[str, ...] = (), only: str | None = None) -> list[str]:
    given_ = PlanInput(
        cards=by_id(*cards),
        busy=frozenset(map(CardId, busy)),
        only=None if only is None else CardId(only),
    )
    return list(DefaultPlanner().plan(given_))


BEGUN = (
    card("new", priority=9),
    card("half", status=CardStatus.IN_PROGRESS, priority=1),
    card("seen", status=CardStatus.CODE_REVIEW, priority=1),
    card("test", status=CardStatus.READY_FOR_TESTING, priority=2),
)


def test_reviews_then_work_in_progress_then_new_cards() -> None:
    assert plan(*BEGUN) == ["test", "seen", "half", "new"]


def test_nobody_gets_a_card_that_is_worked_on() -> None:
    assert plan(*BEGUN, busy=("half", "test")) == ["seen", "new"]


def test_a_target_is_all_that_counts() -> None:
    assert plan(*BEGUN, only="half") == ["half"]
    assert plan(*BEGUN, only="stranger") == []
    assert plan(card("A"), card("B", "A"), only="B") == []


def test_a_dependant_waits_until_everything_it_needs_is_done() -> None:
    diamond = [card("top"), card("left", "top"), card("right", "top"), card("end", "left", "right")]
    assert plan(*diamond) == ["top"]
    done = [attrs.evolve(one, status=CardStatus.DONE) for one in diamond]
    assert plan(done[0], *diamond[1:]) == ["left", "right"]
    assert plan(*done[:2], *diamond[2:]) == ["right"]
    assert plan(*done[:3], diamond[3]) == ["end"]


def test_the_critical_path_goes_first() -> None:
    waiting = [card(f"w{n}", "key") for n in range(3)]
    assert plan(card("big", priority=3), card("key", priority=1), *waiting) == ["key", "big"]
    assert plan(card("B", priority=3), card("C", priority=2), card("A", priority=1)) == ["B", "C", "A"]


@given(graphs(), st.data())
def test_every_choice_can_be_worked_on_and_nothing_that_can_is_left_out(
    cards: tuple[Card, ...], data: st.DataObject
) -> None:
    known = by_id(*cards)
    busy = data.draw(st.sets(st.sampled_from([one.id for one in cards]))) if cards else set()
    chosen = DefaultPlanner().plan(PlanInput(cards=known, busy=frozenset(busy), only=None))
    assert len(set(chosen)) == len(chosen)
    for one in cards:
        done = all(need in known and known[need].status is CardStatus.DONE for need in one.depends_on)
        open_ = one.status in REVIEWS | {CardStatus.IN_PROGRESS} or (one.status is CardStatus.READY and done)
        assert (one.id in chosen) == (open_ and one.id not in busy)
