"""The rules about pull requests: the loop is bounded for each reviewer, whatever else happens."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.pull_requests import (
    EffectKind,
    Happening,
    PullRequestDecided,
    PullRequestEvent,
    Response,
    ReviewRules,
    Standing,
    decide,
    fold,
    fold_all,
)

EVENT = PullRequestEvent(
    delivery_id="d",
    repository="o/r",
    number=7,
    happening=Happening.CHANGES_REQUESTED,
    author="ada",
    actor="bob",
)


def follow(events: list[PullRequestEvent], rules: ReviewRules) -> list[PullRequestDecided]:
    standing, found = Standing(), []
    for one in events:
        found.append(decide(one, standing, rules))
        standing = fold(standing, found[-1]) or Standing()
    return found


def test_four_requests_of_one_reviewer_are_two_chances_a_question_and_the_end() -> None:
    told = [attrs.evolve(EVENT, reason=f"reason {n}") for n in range(1, 6)]
    found = follow(told, ReviewRules())
    assert [one.response for one in found] == [
        Response.CHANGES_REQUESTED,
        Response.CHANGES_REQUESTED,
        Response.ESCALATED,
        Response.REJECTED,
        Response.IGNORED,
    ]
    assert "@lead_architect" in found[2].effects[0].text
    kinds = [one.kind for one in found[3].effects]
    assert kinds == [EffectKind.COMMENT, EffectKind.CLOSE, EffectKind.OPEN_ISSUE]
    assert all(f"reason {n}" in found[3].effects[2].text for n in range(1, 5))


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Happening)), st.sampled_from(["ada", "bob", "cyd"]), st.booleans()),
        max_size=30,
    )
)
def test_no_reviewer_gets_more_than_the_bound_and_nobody_pays_for_another(
    told: list[tuple[Happening, str, bool]],
) -> None:
    rules = ReviewRules()
    events = [attrs.evolve(EVENT, happening=what, actor=who, is_open=up) for what, who, up in told]
    found = follow(events, rules)
    counts: Counter[str] = Counter()
    rejected = False
    for event, one in zip(events, found, strict=True):
        if one.happening in (Happening.REOPENED, Happening.MERGED):
            counts.clear()
            rejected = False
        elif one.happening is Happening.CLOSED and not rejected:
            counts.clear()
        elif one.happening is Happening.CHANGES_REQUESTED:
            counted = event.is_open and not rejected and event.actor != event.author
            counts[event.actor] += counted
            assert one.cycle == (counts[event.actor] if counted else 0)
            rejected = rejected or counts[event.actor] == rules.cycles_max
        assert one.cycle <= rules.cycles_max
    assert fold_all(found[:3]) == fold_all(found[1:3], fold_all(found[:1]))


@pytest.mark.parametrize(
    ("rules", "actor", "response"),
    [
        (ReviewRules(), "bob", Response.APPROVED),
        (ReviewRules(merge=True), "bob", Response.APPROVED),
        (ReviewRules(merge=True, reviewers=frozenset({"bob"})), "bob", Response.MERGING),
        (ReviewRules(merge=True, reviewers=frozenset({"bob"})), "eve", Response.IGNORED),
        (ReviewRules(merge=True, reviewers=frozenset({"ada"})), "ada", Response.IGNORED),
    ],
)
def test_only_a_named_reviewer_merges_and_nobody_the_own_work(
    rules: ReviewRules, actor: str, response: Response
) -> None:
    event = attrs.evolve(EVENT, happening=Happening.APPROVED, actor=actor)
    assert decide(event, Standing(), rules).response is response


def test_an_issue_in_the_title_is_run_where_a_target_is_set() -> None:
    event = attrs.evolve(EVENT, happening=Happening.OPENED, title="Fix ISSUE-A1: the lamp")
    (effect,) = decide(event, Standing(), ReviewRules(run_target="lamps")).effects
    assert (effect.kind, effect.target, effect.card) == (EffectKind.START_RUN, "lamps", "ISSUE-A1")
    assert decide(event, Standing(), ReviewRules()).response is Response.IGNORED
    plain = attrs.evolve(event, title="Fix the lamp")
    assert decide(plain, Standing(), ReviewRules(run_target="lamps")).response is Response.IGNORED
