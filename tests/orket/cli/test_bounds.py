"""Budgets as they are typed."""

from __future__ import annotations

import pytest

from orket.domain.budgets import Budget
from orket.interfaces.cli.bounds import read_budget, read_budgets
from orket.interfaces.cli.exits import BadInput


def test_bounds_are_read() -> None:
    assert read_budget("turns=4, wall_s=1.5") == Budget(turns_max=4, wall_s_max=1.5)
    told = read_budgets(["EPIC-1:turns=2", "tokens=9,cost=0.5"])
    assert told == (Budget(tokens_max=9, cost_max=0.5), (("EPIC-1", Budget(turns_max=2)),))
    assert read_budgets([]) == (None, ())


@pytest.mark.parametrize(
    "text",
    ["", "turns", "turns=", "turns=0", "turns=1.5", "cost=nan", "cost=inf", "turn=3", "turns=1,turns=2"],
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--budget"):
        read_budget(text)


def test_the_runs_bounds_are_given_once() -> None:
    with pytest.raises(BadInput, match="once"):
        read_budgets(["turns=1", "turns=2"])
