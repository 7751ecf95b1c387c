"""A seat speaks only for the card it works on."""

from __future__ import annotations

from orket.domain.cards import Card
from orket.domain.errors import ToolError
from orket.services.tools.tool import ToolContext


def require_own(issue_id: str | None, context: ToolContext) -> Card:
    """Return the card a call is about: the seat's own one, named or not.

    Raises:
        ToolError: ``not_found`` when another card is named.
    """
    card = context.given.card
    if issue_id and issue_id != card.id:
        raise ToolError(f"{issue_id} is not the card you work on", code="not_found", hint=f"use {card.id}")
    return card
