"""What a run may still spend, and what it has handed out to those who work on its cards."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from orket.domain.budgets import (
    UNITS,
    Amounts,
    Book,
    Budget,
    Shortage,
    Spent,
    amounts,
    bounds,
    granted_budget,
)
from orket.domain.cards import Card
from orket.domain.identifiers import CardId
from orket.domain.runs import RunState

RUN = ""


@attrs.frozen
class _Grant:
    """What an assignment was given, and what its card had spent before."""

    granted: Amounts
    before: Spent


@attrs.define
class Purse:
    """The grants of one run; only they are remembered, everything else follows from the run's events."""

    _grants: dict[CardId, _Grant] = attrs.field(factory=dict)
    shortage: Shortage | None = None

    def take(self, state: RunState, card: CardId, shares: int) -> Budget | None:
        """Grant an assignment its share of what is left; None when something is used up (``shortage``)."""
        limits = _limits(state, _path(state, card))
        if not limits:  # nothing to share, nothing to remember
            return Budget()
        begun = state.open_turn(card) is not None
        found = self._book(state, limits).reserve(card, tuple(limits), shares, begun=begun)
        if isinstance(found, Shortage):
            self.shortage = found
            return None
        self._grants[card] = _Grant(found, state.spent_on.get(card, Spent()))
        return granted_budget(found)

    def give_back(self, card: CardId) -> None:
        """An assignment is over; what it spent is on the ledger."""
        self._grants.pop(card, None)

    def _book(self, state: RunState, limits: Mapping[str, Amounts]) -> Book:
        """Open the accounts that are limited; what is spent on others bounds nobody."""
        settled: dict[str, dict[str, int]] = {RUN: dict(amounts(state.spent))}
        if limits.keys() - {RUN}:
            for card, spent in state.spent_on.items():
                for account in limits.keys() & set(_path(state, card)) - {RUN}:
                    _add(settled.setdefault(account, {}), amounts(spent))
        book = Book(limits, settled)
        for card, grant in self._grants.items():
            since = _less(amounts(state.spent_on.get(card, Spent())), amounts(grant.before))
            book.hold(card, _path(state, card), grant.granted, since)
        return book


def _limits(state: RunState, path: tuple[str, ...]) -> dict[str, Amounts]:
    """Read the bounds of the accounts on a path that have any, the nearest first."""
    limits = {account: bounds(_budget_of(state, account)) for account in path}
    return {account: limit for account, limit in limits.items() if limit}


def _budget_of(state: RunState, account: str) -> Budget:
    if account == RUN:
        return state.accepted.budget if state.accepted else Budget()
    return state.budgets.get(CardId(account), state.cards[CardId(account)].budget)


def _path(state: RunState, card: CardId) -> tuple[str, ...]:
    """List the accounts a card spends from: its own, those of its parents, the run's."""
    path: list[str] = []
    current: Card | None = state.cards.get(card)
    while current is not None and current.id not in path:
        path.append(current.id)
        current = None if current.parent_id is None else state.cards.get(current.parent_id)
    return (*path, RUN)


def _add(used: dict[str, int], more: Amounts) -> None:
    for name in UNITS:
        used[name] = used.get(name, 0) + more[name]


def _less(left: Amounts, right: Amounts) -> Amounts:
    return {name: left[name] - right[name] for name in UNITS}
