"""What epics, rocks and issues have in common as cards: ids, names, types, statuses, priorities."""

from __future__ import annotations

import math

import attrs

from orket.domain.budgets import UNITS, Budget
from orket.domain.cards import DEFAULT_PRIORITY, Card, CardStatus, CardType, parse_priority
from orket.domain.identifiers import CardId, sanitise
from orket.infrastructure.assets.documents import Document, canonical
from orket.infrastructure.assets.places import check_id
from orket.infrastructure.assets.shapes import BudgetShape, CardShape, JsonObject, shape


@attrs.define
class Register:
    """The ids of one workload: no two cards share one."""

    _places: dict[str, str] = attrs.field(factory=dict)

    def add(self, document: Document, pointer: str, card: str) -> CardId:
        """Take an id.

        Raises:
            AssetError: It is malformed or already taken; says where.
        """
        check_id(document, pointer, card)
        if (taken := self._places.get(card)) is not None:
            raise document.error(pointer, f"the id {card!r} is already used at {taken}")
        self._places[card] = f"{document.file}#{pointer}"
        return CardId(card)


def top_card(
    document: Document,
    told: CardShape,
    kind: CardType,
    register: Register,
    *,
    parent: CardId | None = None,
    build: str,
) -> Card:
    """Make the card of an epic or rock; its status in the file is checked, and every run starts it anew."""
    read_status(document, "", told.status)
    given = "/id" if told.id is not None else ""
    return make_card(
        document,
        "",
        told,
        id=register.add(document, given, sanitise(document.path.stem) if told.id is None else told.id),
        type=kind,
        parent_id=parent,
        build_id=told.build_id or build,
    )


def check_type(document: Document, told: str | None, expected: tuple[str, ...], pointer: str = "") -> None:
    """Check a card's type, when it has one.

    Raises:
        AssetError: It is another one.
    """
    if told is not None and told not in expected:
        raise document.error(f"{pointer}/type", f"{told!r} is not one of {', '.join(expected)}")


def make_card(
    document: Document,
    pointer: str,
    told: CardShape,
    *,
    id: CardId,  # noqa: A002  # the field's own name
    type: CardType,  # noqa: A002  # the field's own name
    parent_id: CardId | None,
    build_id: str,
) -> Card:
    """Make the part that every card has."""
    needs = told.requirements or ""
    return Card(
        id=id,
        type=type,
        name=card_name(document, pointer, told),
        description=told.description or "",
        requirements=needs if isinstance(needs, str) else "\n".join(needs),
        note=told.note or "",
        priority=_priority(document, pointer, told.priority),
        parent_id=parent_id,
        build_id=build_id,
        owner_department=told.owner_department or "core",
        labels=tuple(dict.fromkeys(told.labels or ())),
        references=tuple(told.references or ()),
        params_json=canonical(told.params or {}),
        budget=_budget(document, f"{pointer}/budget", told.budget),
    )


def card_name(document: Document, pointer: str, told: CardShape) -> str:
    """Read a card's name under either of its two keys.

    Raises:
        AssetError: There is none, or there are two that differ.
    """
    if told.name and told.summary and told.name != told.summary:
        raise document.error(f"{pointer}/summary", "says otherwise than 'name', which means the same")
    if not (name := (told.name or told.summary or "").strip()):
        raise document.error(pointer, "a card needs a 'name' (or 'summary')")
    return name


def _budget(document: Document, pointer: str, told: JsonObject | None) -> Budget:
    found = shape(document, pointer, told or {}, BudgetShape)
    for name in UNITS:
        value = getattr(found, name)
        if value is not None and not 0 < value < math.inf:
            raise document.error(f"{pointer}/{name}", "must be above 0")
    return Budget(**{f"{name}_max": getattr(found, name) for name in UNITS})


def _priority(document: Document, pointer: str, told: float | str | None) -> float:
    try:
        return DEFAULT_PRIORITY if told is None else parse_priority(told)
    except (ValueError, OverflowError) as error:
        raise document.error(f"{pointer}/priority", str(error)) from error


def read_status(document: Document, pointer: str, told: str | None) -> CardStatus:
    """Read a status; none means ready.

    Raises:
        AssetError: There is no such status.
    """
    try:
        return CardStatus.READY if told is None else CardStatus(told)
    except ValueError:
        known = ", ".join(CardStatus)
        raise document.error(f"{pointer}/status", f"{told!r} is not one of {known}") from None
