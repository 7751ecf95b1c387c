"""Budgets on the wire: what may be spent, and what was."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.budgets import MICROS, Budget, Spent, exceeded
from orket.domain.runs import RunState
from orket.wire.runs import BudgetBody, RunName
from orket.wire.views import budget_body


class SpentView(msgspec.Struct, frozen=True, kw_only=True):
    """What was used so far."""

    turns: int
    tokens: int
    tool_calls: int
    wall_s: Annotated[float, Meta(description="Seconds of models and tools, added up.")]
    output_bytes: int
    cost: Annotated[float, Meta(description="In the currency of the prices.")]


class CardBudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """What one card may spend, and has spent."""

    card_id: Annotated[str, Meta(examples=["ISSUE-A"])]
    bounds: BudgetBody
    spent: SpentView
    used_up: Annotated[str, Meta(description="The first bound that is reached; empty when none is.")]


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may spend, and has spent; its cards that have bounds or have spent anything."""

    run_id: RunName
    bounds: BudgetBody
    spent: SpentView
    used_up: Annotated[str, Meta(description="The first bound that is reached; empty when none is.")]
    cards: tuple[CardBudgetView, ...]


class BudgetPage(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of the open runs, newest first; ``next`` leads on, empty at the end."""

    budgets: tuple[BudgetView, ...]
    next: Annotated[str, Meta(description="Path of the next page, or empty.")]


def budget_view(state: RunState) -> BudgetView:
    """Show the budget of a run."""
    bounds = Budget() if state.accepted is None else state.accepted.budget
    known = [*state.budgets, *(card for card in state.spent_on if card not in state.budgets)]
    return BudgetView(
        run_id=state.run_id,
        bounds=budget_body(bounds),
        spent=spent_view(state.spent),
        used_up=exceeded(bounds, state.spent) or "",
        cards=tuple(
            _card(card, state.budgets.get(card, Budget()), state.spent_on.get(card, Spent()))
            for card in known
        ),
    )


def spent_view(spent: Spent) -> SpentView:
    """Show what was spent."""
    return SpentView(
        turns=spent.turns,
        tokens=spent.usage.input_tokens + spent.usage.output_tokens,
        tool_calls=spent.tool_calls,
        wall_s=spent.wall_ms / 1000,
        output_bytes=spent.output_bytes,
        cost=spent.cost_micros / MICROS,
    )


def _card(card_id: str, bounds: Budget, spent: Spent) -> CardBudgetView:
    return CardBudgetView(
        card_id=card_id,
        bounds=budget_body(bounds),
        spent=spent_view(spent),
        used_up=exceeded(bounds, spent) or "",
    )
