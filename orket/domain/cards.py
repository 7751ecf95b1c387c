"""Cards: rock > epic > issue, their statuses, wait reasons and priorities (vocabulary of 1.1 to 1.5)."""

from __future__ import annotations

from enum import StrEnum

import attrs

from orket.domain.bounds import Budget
from orket.domain.identifiers import CardId
from orket.domain.verification import Verification


class CardType(StrEnum):
    """What kind of card this is; ``utility`` and ``app`` never move."""

    ROCK = "rock"
    EPIC = "epic"
    ISSUE = "issue"
    UTILITY = "utility"
    APP = "app"


class CardStatus(StrEnum):
    """Where a card stands; the arrows between them are in ``state_machine``."""

    READY = "ready"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    WAITING_FOR_DEVELOPER = "waiting_for_developer"
    READY_FOR_TESTING = "ready_for_testing"
    CODE_REVIEW = "code_review"
    DONE = "done"
    CANCELED = "canceled"
    ARCHIVED = "archived"


FINAL = frozenset({CardStatus.DONE, CardStatus.CANCELED, CardStatus.ARCHIVED})
WAITING = frozenset({CardStatus.BLOCKED, CardStatus.WAITING_FOR_DEVELOPER})


class WaitReason(StrEnum):
    """Why a card is blocked or waits for a person."""

    RESOURCE = "resource"
    DEPENDENCY = "dependency"
    REVIEW = "review"
    INPUT = "input"
    SYSTEM = "system"


PRIORITIES = {"high": 3.0, "medium": 2.0, "low": 1.0}
DEFAULT_PRIORITY = PRIORITIES["medium"]


def parse_priority(value: float | str) -> float:
    """Read a priority: a number, a numeric string, or ``high | medium | low`` in any case.

    Raises:
        ValueError: The text is none of these, or the number is not finite.
    """
    if isinstance(value, str) and (named := PRIORITIES.get(value.strip().lower())) is not None:
        return named
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{value!r} is neither a number nor one of high, medium, low") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("a priority must be a finite number")
    return number


@attrs.frozen(kw_only=True)
class Card:
    """One card as a run knows it; every change makes a new value.

    ``wait_reason`` and ``wait_note`` are set exactly while the status is one that waits.
    ``params_json`` is the asset's free-form ``params`` object as canonical JSON. ``budget`` bounds what
    may be spent on this card and everything below it.
    """

    id: CardId
    type: CardType = CardType.ISSUE
    name: str
    status: CardStatus = CardStatus.READY
    description: str = ""
    requirements: str = ""
    note: str = ""
    priority: float = DEFAULT_PRIORITY
    seat: str = "standard"
    assignee: str = ""
    sprint: str = ""
    depends_on: tuple[CardId, ...] = ()
    wait_reason: WaitReason | None = None
    wait_note: str = ""
    parent_id: CardId | None = None
    build_id: str = ""
    owner_department: str = "core"
    labels: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    params_json: str = "{}"
    retry_count: int = 0
    max_retries: int = 3
    verification: Verification | None = None
    budget: Budget = attrs.field(factory=Budget)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to this card."""
        return self.status in FINAL


@attrs.frozen
class Comment:
    """One remark on a card; the list of a card's comments only grows."""

    author: str
    text: str
