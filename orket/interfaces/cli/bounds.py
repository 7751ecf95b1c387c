"""Budgets on the command line: ``turns=40,tokens=100000``, for a card ``EPIC-1:turns=20``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orket.domain.budgets import UNITS, Budget
from orket.domain.identifiers import CardId
from orket.interfaces.cli.exits import BadInput

_WHOLE = frozenset({"turns", "tokens", "tool_calls", "output_bytes"})


def read_budget(text: str) -> Budget:
    """Read the bounds of a run.

    Raises:
        BadInput: It is none; the message says how one looks.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name not in UNITS or name in found:
            raise BadInput(f"--budget {text}: give bounds such as turns=40, once each, of {', '.join(UNITS)}")
        found[name] = _number(text, name, value)
    return Budget(**{f"{name}_max": value for name, value in found.items()})  # type: ignore[arg-type]  # whole where it must be


def read_budgets(texts: Sequence[str]) -> tuple[Budget | None, tuple[tuple[CardId, Budget], ...]]:
    """Read the bounds of a run and those of single cards, each of which has its card's id in front.

    Raises:
        BadInput: As ``read_budget``, or the run's bounds are given twice.
    """
    run: Budget | None = None
    cards: list[tuple[CardId, Budget]] = []
    for text in texts:
        card, colon, told = text.rpartition(":")
        if colon:
            cards.append((CardId(card), read_budget(told)))
        elif run is None:
            run = read_budget(text)
        else:
            raise BadInput("--budget: give the run's bounds once, those of a card as CARD:turns=20")
    return run, tuple(cards)


def _number(text: str, name: str, value: str) -> float:
    try:
        number = int(value) if name in _WHOLE else float(value)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        kind = "a whole number" if name in _WHOLE else "a number"
        raise BadInput(f"--budget {text}: {name} must be {kind} above 0")
    return number
