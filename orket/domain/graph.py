"""The dependency graph: who is ready, who waits for nothing that can still happen, what is critical (1.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from orket.domain.cards import WAITING, Card, CardStatus
from orket.domain.errors import DependencyCycle
from orket.domain.identifiers import CardId

LOST = WAITING | {CardStatus.CANCELED, CardStatus.ARCHIVED}


def find_cycle(cards: Iterable[Card]) -> tuple[CardId, ...] | None:
    """Find one circle of dependencies, first card repeated last, or None; ids in file order."""
    waits_for = {card.id: card.depends_on for card in cards}
    settled: set[CardId] = set()
    for start in waits_for:
        path: dict[CardId, None] = {}
        stack = [(start, iter(waits_for[start]))]
        path[start] = None
        while stack:
            node, rest = stack[-1]
            following = next((one for one in rest if one in waits_for and one not in settled), None)
            if following is None:
                stack.pop()
                path.pop(node)
                settled.add(node)
            elif following in path:
                circle = list(path)
                return (*circle[circle.index(following) :], following)
            else:
                path[following] = None
                stack.append((following, iter(waits_for[following])))
    return None


def check_acyclic(cards: Iterable[Card]) -> None:
    """Refuse circular dependencies.

    Raises:
        DependencyCycle: Naming one circle.
    """
    if (circle := find_cycle(cards)) is not None:
        raise DependencyCycle(circle)


def dependants(cards: Iterable[Card]) -> Mapping[CardId, tuple[CardId, ...]]:
    """Map each card to the cards that wait for it directly, in file order."""
    known = list(cards)
    found: dict[CardId, list[CardId]] = {card.id: [] for card in known}
    for card in known:
        for needed in card.depends_on:
            found.setdefault(needed, []).append(card.id)
    return {key: tuple(value) for key, value in found.items()}


def weight(card: CardId, waiting: Mapping[CardId, tuple[CardId, ...]]) -> int:
    """Count the distinct cards that wait for ``card``, directly or through others."""
    seen: set[CardId] = set()
    todo = list(waiting.get(card, ()))
    while todo:
        if (one := todo.pop()) not in seen:
            seen.add(one)
            todo.extend(waiting.get(one, ()))
    return len(seen)


def critical_order(cards: Iterable[Card], candidates: Iterable[Card]) -> tuple[Card, ...]:
    """Order candidates by priority plus number of transitive dependants, highest first, stable."""
    candidates = tuple(candidates)
    if len(candidates) < 2:  # mostly so: whoever looks often need not draw the whole graph each time
        return candidates
    waiting = dependants(cards)
    return tuple(sorted(candidates, key=lambda card: -(card.priority + weight(card.id, waiting))))


def independent_ready(cards: Mapping[CardId, Card]) -> tuple[Card, ...]:
    """List the ready cards all of whose dependencies are done, in file order."""
    return tuple(
        card
        for card in cards.values()
        if card.status is CardStatus.READY
        and all(
            (needed := cards.get(one)) is not None and needed.status is CardStatus.DONE
            for one in card.depends_on
        )
    )


def hopeless(cards: Mapping[CardId, Card], held: Collection[CardId] = ()) -> tuple[tuple[Card, str], ...]:
    """List ready cards with a dependency that this run will never finish, and why.

    ``held`` names cards that wait for a person's decision: they may still go on.
    """
    found = []
    for card in cards.values():
        if card.status is CardStatus.READY and (reason := _never(card, cards, held)):
            found.append((card, reason))
    return tuple(found)


def _never(card: Card, cards: Mapping[CardId, Card], held: Collection[CardId]) -> str:
    for needed in card.depends_on:
        other = cards.get(needed)
        if other is None:
            return f"depends on unknown card {needed}"
        if other.status in LOST and needed not in held:
            return f"dependency {needed} is {other.status}"
    return ""
