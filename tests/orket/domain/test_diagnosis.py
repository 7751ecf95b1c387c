"""Why cards do not move: chains to their roots, and what would free most."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest
from hypothesis import given

from orket.domain import events as e
from orket.domain.bottlenecks import AT_WORK, BottleneckThresholds, unmet
from orket.domain.cards import Card, CardStatus, WaitReason
from orket.domain.diagnosis import Cause, Diagnosis, diagnose
from orket.domain.errors import CardNotFound
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunState
from orket.testing.clock import START
from tests.orket.cli.recorded import RUN, recorded, waiting
from tests.orket.domain.cases import by_id, card, graphs

_S = CardStatus
MOVES = {Cause.AT_WORK, Cause.QUEUED}


def said(*cards: Card, only: str | None = None) -> Diagnosis:
    state = RunState(run_id=RunId("r"), cards=by_id(*cards))
    wanted = None if only is None else CardId(only)
    return diagnose(state, BottleneckThresholds(), since={}, now=START, only=wanted)


def because(name: str, reason: WaitReason, *needs: str, note: str = "") -> Card:
    return attrs.evolve(card(name, *needs, status=_S.BLOCKED), wait_reason=reason, wait_note=note)


def test_a_chain_leads_through_every_card_to_its_root() -> None:
    found = said(
        because("A", WaitReason.INPUT, note="which bank?"),
        because("B", WaitReason.DEPENDENCY, "A"),
        card("C", "B"),
        card("D"),
    )
    chains = {
        one.card_id: [[link.card_id for link in chain.links] for chain in one.chains] for one in found.blocked
    }
    assert chains == {"A": [["A"]], "B": [["B", "A"]], "C": [["C", "B", "A"]]}
    (root,) = found.roots
    assert (root.card_id, root.cause, root.frees, root.helps) == ("A", Cause.BLOCKED, ("A", "B", "C"), ())
    assert root.reason == "input: which bank?"
    assert [(one.card_id, one.score) for one in found.blocked] == [("A", 4.0), ("B", 3.0), ("C", 2.0)]


def test_of_two_roots_neither_frees_alone_and_the_one_that_frees_more_comes_first() -> None:
    found = said(
        because("A", WaitReason.RESOURCE),
        because("B", WaitReason.REVIEW),
        card("C", "A", "B"),
        card("D", "B"),
    )
    told = [(one.card_id, one.frees, one.helps) for one in found.roots]
    assert told == [("B", ("B", "D"), ("C",)), ("A", ("A",), ("C",))]


@pytest.mark.parametrize(
    ("needed", "cause"),
    [
        (card("A", status=_S.CANCELED), Cause.CANCELED),
        (card("A", status=_S.ARCHIVED), Cause.CANCELED),
        (card("A", status=_S.CODE_REVIEW), Cause.AT_WORK),
        (card("A"), Cause.QUEUED),
        (card("Z"), Cause.UNKNOWN),
    ],
)
def test_each_kind_of_root_is_named(needed: Card, cause: Cause) -> None:
    (blockage,) = said(needed, card("B", "A")).blocked
    assert [chain.cause for chain in blockage.chains] == [cause]


def test_a_call_that_waits_for_a_person_is_the_root() -> None:
    state = RunState.fold(RUN, recorded(waiting()))
    state.apply(
        e.CardStatusChanged(
            card_id=CardId("LED-1"),
            previous=_S.IN_PROGRESS,
            status=_S.WAITING_FOR_DEVELOPER,
            by="system",
            wait_reason=WaitReason.INPUT,
        )
    )
    found = diagnose(state, BottleneckThresholds(), since={}, now=START)
    roots = {one.card_id: one for one in found.roots}
    assert roots[CardId("LED-1")].cause is Cause.PERSON
    assert roots[CardId("LED-1")].calls == (f"{RUN}/LED-1/1/0",)
    assert roots[CardId("LED-3")].cause is Cause.BLOCKED


def test_one_card_can_be_asked_about_and_an_unknown_one_is_refused() -> None:
    cards = (because("A", WaitReason.SYSTEM), card("B", "A"), card("C"))
    assert [one.card_id for one in said(*cards, only="B").blocked] == ["B"]
    assert not said(*cards, only="C").blocked
    with pytest.raises(CardNotFound, match=r"'Z'.*A, B, C"):
        said(*cards, only="Z")


@given(graphs(acyclic=True))
def test_every_card_that_stands_still_has_a_root_and_settling_what_frees_it_lets_it_move(
    cards: tuple[Card, ...],
) -> None:
    known, found = by_id(*cards), said(*cards)
    still = {key for key, one in known.items() if one.status in {_S.BLOCKED, _S.WAITING_FOR_DEVELOPER}}
    still |= {key for key, one in known.items() if one.status is _S.READY and unmet(one, known)}
    assert {one.card_id for one in found.blocked} == still
    for blockage in found.blocked:
        for chain in blockage.chains:
            path = [link.card_id for link in chain.links]
            assert path[0] == blockage.card_id
            assert all(after in unmet(known[before], known) for before, after in pairwise(path))
    for root in found.roots:
        assert not set(root.frees) & set(root.helps)
        for name in root.frees:
            assert name in _finishable(known, settled=root.card_id)
            assert root.cause in MOVES or name not in _finishable(known, settled=None)


def _finishable(cards: dict[CardId, Card], *, settled: CardId | None) -> set[CardId]:
    """Which cards can become done when those that can move do, and ``settled`` is done."""
    done = {key for key, one in cards.items() if one.status is _S.DONE} | ({settled} if settled else set())
    while True:
        more = {
            key
            for key, one in cards.items()
            if key not in done
            and (one.status in AT_WORK or (one.status is _S.READY and set(one.depends_on) <= done))
        }
        if not more:
            return done
        done |= more


@given(graphs())
def test_even_circles_are_told_and_end(cards: tuple[Card, ...]) -> None:
    for blockage in said(*cards).blocked:
        assert blockage.chains
