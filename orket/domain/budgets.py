"""Budgets: what a run may spend; at the limit it pauses and asks."""

from __future__ import annotations

import attrs

from orket.domain.models import Usage


@attrs.frozen(kw_only=True)
class Budget:
    """Upper bounds of one run; None means unbounded."""

    turns_max: int | None = None
    tokens_max: int | None = None
    tool_calls_max: int | None = None


@attrs.frozen(kw_only=True)
class Spent:
    """What a run has used so far."""

    turns: int = 0
    tool_calls: int = 0
    usage: Usage = attrs.field(factory=Usage)


def exceeded(budget: Budget, spent: Spent) -> str | None:
    """Name the first limit that is used up, or None."""
    tokens = spent.usage.input_tokens + spent.usage.output_tokens
    for name, used, limit in (
        ("turns", spent.turns, budget.turns_max),
        ("tokens", tokens, budget.tokens_max),
        ("tool_calls", spent.tool_calls, budget.tool_calls_max),
    ):
        if limit is not None and used >= limit:
            return f"{name}: {used} of {limit} used"
    return None
