"""Budgets: what a run, a rock, an epic and an issue may spend; at a bound the run pauses and asks.

What was spent follows from the events. What is being spent is reserved before: whoever works on a card gets a
grant out of all budgets above it, so cards that are worked on side by side cannot spend the same rest twice.
A grant is kept to before every turn and every call; what a turn has begun may overdraw it, once, and is then
settled as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

import attrs

from orket.domain.bounds import Budget as Budget
from orket.domain.identifiers import CardId
from orket.domain.models import Usage

MICROS = 1_000_000


@attrs.frozen(kw_only=True)
class Spent:
    """What was used so far; addable. ``cost_micros`` is in millionths of the prices' currency."""

    turns: int = 0
    tool_calls: int = 0
    usage: Usage = attrs.field(factory=Usage)
    wall_ms: int = 0
    output_bytes: int = 0
    cost_micros: int = 0

    def __add__(self, other: Spent) -> Spent:
        """Sum two."""
        return Spent(
            turns=self.turns + other.turns,
            tool_calls=self.tool_calls + other.tool_calls,
            usage=self.usage + other.usage,
            wall_ms=self.wall_ms + other.wall_ms,
            output_bytes=self.output_bytes + other.output_bytes,
            cost_micros=self.cost_micros + other.cost_micros,
        )


class Account:
    """What was used so far, while it grows."""

    __slots__ = (
        "cost_micros",
        "input_tokens",
        "output_bytes",
        "output_tokens",
        "tool_calls",
        "turns",
        "wall_ms",
    )

    def __init__(self) -> None:
        self.turns = self.tool_calls = self.input_tokens = self.output_tokens = 0
        self.wall_ms = self.output_bytes = self.cost_micros = 0

    def use(self, usage: Usage) -> None:
        """Add tokens."""
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens

    def add(self, spent: Spent) -> None:
        """Add what was spent on something."""
        self.turns += spent.turns
        self.tool_calls += spent.tool_calls
        self.use(spent.usage)
        self.wall_ms += spent.wall_ms
        self.output_bytes += spent.output_bytes
        self.cost_micros += spent.cost_micros

    def spent(self) -> Spent:
        """What it has come to."""
        return Spent(
            turns=self.turns,
            tool_calls=self.tool_calls,
            usage=Usage(input_tokens=self.input_tokens, output_tokens=self.output_tokens),
            wall_ms=self.wall_ms,
            output_bytes=self.output_bytes,
            cost_micros=self.cost_micros,
        )


class Spending(Mapping[CardId, Spent]):
    """What was spent on each card: added to in place, read as values."""

    __slots__ = ("_accounts",)

    def __init__(self) -> None:
        self._accounts: dict[CardId, Account] = {}

    def __getitem__(self, card: CardId) -> Spent:
        """What was spent on a card."""
        return self._accounts[card].spent()

    def __iter__(self) -> Iterator[CardId]:
        """The cards on which anything was spent, in the order of its beginning."""
        return iter(self._accounts)

    def __len__(self) -> int:
        """How many cards that are."""
        return len(self._accounts)

    def __repr__(self) -> str:
        """As a mapping."""
        return repr(dict(self))

    def account(self, card: CardId) -> Account:
        """The account of a card, to be added to."""
        if (known := self._accounts.get(card)) is None:
            known = self._accounts[card] = Account()
        return known

    def total(self) -> Spent:
        """What was spent on all cards together."""
        whole = Account()
        for one in self._accounts.values():
            whole.turns += one.turns
            whole.tool_calls += one.tool_calls
            whole.input_tokens += one.input_tokens
            whole.output_tokens += one.output_tokens
            whole.wall_ms += one.wall_ms
            whole.output_bytes += one.output_bytes
            whole.cost_micros += one.cost_micros
        return whole.spent()


Amounts = Mapping[str, int]
"""Whole numbers by what is counted: turns, tokens, tool calls, milliseconds, bytes, millionths of money."""

UNITS: Mapping[str, int] = MappingProxyType(
    {"turns": 1, "tokens": 1, "tool_calls": 1, "wall_s": 1_000, "output_bytes": 1, "cost": MICROS}
)
"""What is counted, and how many of the counted make one of the budget's unit."""


def amounts(spent: Spent) -> Amounts:
    """Count what was spent."""
    return {
        "turns": spent.turns,
        "tokens": spent.usage.input_tokens + spent.usage.output_tokens,
        "tool_calls": spent.tool_calls,
        "wall_s": spent.wall_ms,
        "output_bytes": spent.output_bytes,
        "cost": spent.cost_micros,
    }


def cost_micros(usage: Usage, input_price: float, output_price: float) -> int:
    """Price a reply: prices are per million tokens, the cost is in millionths of their currency."""
    return round(usage.input_tokens * input_price + usage.output_tokens * output_price)


def granted_budget(granted: Amounts) -> Budget:
    """Write a grant as the bounds that whoever got it keeps to."""
    told = {name: amount if UNITS[name] == 1 else amount / UNITS[name] for name, amount in granted.items()}
    return Budget(**{f"{name}_max": amount for name, amount in told.items()})  # type: ignore[arg-type]  # whole where the unit is 1


def bounds(budget: Budget) -> Amounts:
    """Count what may be spent; what is unbounded is left out."""
    told = {name: getattr(budget, f"{name}_max") for name in UNITS}
    return {name: round(value * UNITS[name]) for name, value in told.items() if value is not None}


def exceeded(budget: Budget, spent: Spent, *, besides: Collection[str] = ()) -> str | None:
    """Name the first limit that is used up, or None; what ``besides`` names is not looked at."""
    limits = {name: limit for name, limit in bounds(budget).items() if name not in besides}
    return used_up(limits, amounts(spent)) if limits else None


def used_up(limits: Amounts, used: Amounts) -> str | None:
    """Name the first limit of which nothing is left, or None."""
    for name, limit in limits.items():
        if used.get(name, 0) >= limit:
            unit = UNITS[name]
            return f"{name}: {used.get(name, 0) / unit:g} of {limit / unit:g} used"
    return None


@attrs.frozen
class Shortage:
    """Why nothing is granted: the account whose limit is used up, and how."""

    account: str
    reason: str

    def __str__(self) -> str:
        """Word it; the whole run has no name."""
        return f"{self.account}: {self.reason}" if self.account else self.reason


@attrs.define
class Book:
    """The accounts of one run at one moment: limits, what was spent, and what is reserved.

    Args:
        limits: The bounds of each account; the run's own is called ``""``.
        settled: What was spent on each account, including everything below it.
    """

    limits: Mapping[str, Amounts]
    settled: dict[str, dict[str, int]]
    _grants: dict[str, tuple[tuple[str, ...], Amounts]] = attrs.field(factory=dict)

    def reserved(self, account: str) -> Amounts:
        """Add up what is reserved on an account, including everything below it."""
        found: dict[str, int] = {}
        for path, granted in self._grants.values():
            if account in path:
                for name, amount in granted.items():
                    found[name] = found.get(name, 0) + amount
        return found

    def reserve(
        self, grant: str, path: Iterable[str], shares: int = 1, *, begun: bool = False
    ) -> Amounts | Shortage:
        """Reserve a share of what is left of every limited thing, at least one of each, on a whole path.

        Args:
            grant: A name for it.
            path: The accounts it is taken from, the nearest first.
            shares: Among how many the rest is to be shared.
            begun: Whether a turn is to be ended that was counted when it began: that needs no other turn.

        Returns:
            What was granted, by what is limited anywhere on the path; or what is used up.
        """
        accounts, granted = tuple(path), dict[str, int]()
        for account in accounts:
            held = self.reserved(account)
            used = self.settled.get(account, {})
            taken = {name: used.get(name, 0) + held.get(name, 0) for name in UNITS}
            limits = self.limits.get(account, {})
            needed = {name: limit for name, limit in limits.items() if not (begun and name == "turns")}
            if (short := used_up(needed, taken)) is not None:
                return Shortage(account, short)
            for name, limit in limits.items():
                left = max(0, limit - taken[name])
                share = max(min(1, left), left // max(1, shares))
                granted[name] = min(granted.get(name, share), share)
        self._grants[grant] = accounts, granted
        return granted

    def hold(self, grant: str, path: Iterable[str], granted: Amounts, spent: Amounts) -> None:
        """Take over a grant of before, of which ``spent`` is settled already."""
        rest = {name: max(0, amount - spent.get(name, 0)) for name, amount in granted.items()}
        self._grants[grant] = tuple(path), rest

    def settle(self, grant: str, spent: Amounts) -> None:
        """Give a grant back, and write what was really spent on every account of its path."""
        path, _ = self._grants.pop(grant)
        for account in path:
            used = self.settled.setdefault(account, {})
            for name, amount in spent.items():
                used[name] = used.get(name, 0) + amount
