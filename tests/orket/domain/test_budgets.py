"""Budgets conserve: nothing is granted twice, and what is settled adds up on every level."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orket.domain.budgets import UNITS, Book, Budget, Shortage, Spent, amounts, bounds, exceeded
from orket.domain.models import Usage

TREE = {"i1": ("i1", "e1", ""), "i2": ("i2", "e1", ""), "i3": ("i3", "e2", "")}
LIMITS = st.dictionaries(st.sampled_from(sorted(UNITS)), st.integers(0, 40), max_size=4)


class Accounts(RuleBasedStateMachine):
    """Grants come, are kept or overdrawn, and go, in any order; an engine may be killed at any moment."""

    @initialize(limits=st.fixed_dictionaries(dict.fromkeys(("", "e1", "e2", "i1", "i2", "i3"), LIMITS)))
    def begin(self, limits: dict[str, dict[str, int]]) -> None:
        self.book = Book(limits, {})
        self.granted: dict[str, tuple[str, dict[str, int]]] = {}
        self.number = 0
        self.overdrawn = False

    @rule(issue=st.sampled_from(sorted(TREE)), shares=st.integers(1, 3), begun=st.booleans())
    def reserve(self, issue: str, shares: int, begun: bool) -> None:
        self.number += 1
        found = self.book.reserve(f"g{self.number}", TREE[issue], shares, begun=begun)
        if isinstance(found, Shortage):
            taken = self.taken(found.account)
            limits = self.book.limits[found.account]
            assert any(taken.get(name, 0) >= limit for name, limit in limits.items())
        else:
            assert all(amount >= 1 or (begun and name == "turns") for name, amount in found.items())
            self.granted[f"g{self.number}"] = issue, dict(found)

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        grant = data.draw(st.sampled_from(sorted(self.granted)))
        _, granted = self.granted.pop(grant)
        self.book.settle(grant, {name: data.draw(st.integers(0, most)) for name, most in granted.items()})

    @rule()
    def kill(self) -> None:
        """Only what is settled survives; what was reserved is free again."""
        self.book = Book(self.book.limits, {name: dict(used) for name, used in self.book.settled.items()})
        self.granted.clear()

    def taken(self, account: str) -> dict[str, int]:
        held, used = self.book.reserved(account), self.book.settled.get(account, {})
        return {name: held.get(name, 0) + used.get(name, 0) for name in UNITS}

    @invariant()
    def nothing_is_granted_twice(self) -> None:
        for account, limits in self.book.limits.items():
            taken = self.taken(account)
            assert all(taken[name] <= limit for name, limit in limits.items())

    @invariant()
    def levels_add_up(self) -> None:
        for parent, children in (("", ("e1", "e2")), ("e1", ("i1", "i2")), ("e2", ("i3",))):
            below = [self.taken(child) for child in children]
            assert self.taken(parent) == {name: sum(one[name] for one in below) for name in UNITS}


TestAccounts: Any = Accounts.TestCase

SPENT = st.builds(
    Spent,
    turns=st.integers(0, 9),
    tool_calls=st.integers(0, 9),
    usage=st.builds(Usage, input_tokens=st.integers(0, 9), output_tokens=st.integers(0, 9)),
    wall_ms=st.integers(0, 9_000),
    output_bytes=st.integers(0, 9),
    cost_micros=st.integers(0, 9),
)


@given(st.lists(SPENT, max_size=5))
def test_counting_and_adding_go_together(parts: list[Spent]) -> None:
    total = sum(parts, Spent())
    assert amounts(total) == {name: sum(amounts(one)[name] for one in parts) for name in UNITS}


def test_bounds_count_in_small_units_and_leave_the_unbounded_out() -> None:
    assert bounds(Budget(turns_max=2, wall_s_max=1.5, cost_max=0.25)) == {
        "turns": 2,
        "wall_s": 1_500,
        "cost": 250_000,
    }
    assert exceeded(Budget(wall_s_max=1.5), Spent(wall_ms=1_600)) == "wall_s: 1.6 of 1.5 used"
    assert exceeded(Budget(turns_max=2), Spent(turns=1)) is None


@pytest.mark.parametrize(("shares", "granted"), [(1, 10), (3, 3), (20, 1)])
def test_a_share_is_never_nothing(shares: int, granted: int) -> None:
    assert Book({"": {"turns": 10}}, {}).reserve("g", [""], shares) == {"turns": granted}


def test_a_grant_of_before_is_held_as_far_as_it_is_not_spent() -> None:
    book = Book({"": {"turns": 5}}, {"": {"turns": 2}})
    book.hold("g", [""], {"turns": 3}, {"turns": 2})
    assert book.reserved("") == {"turns": 1}
    assert book.reserve("h", [""]) == {"turns": 2}
    assert str(book.reserve("i", ["A", ""])) == "turns: 5 of 5 used"
    assert str(Shortage("A", "turns: 1 of 1 used")) == "A: turns: 1 of 1 used"
